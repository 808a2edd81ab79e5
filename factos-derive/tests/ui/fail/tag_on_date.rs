use std::{sync::Arc, time::SystemTime};

use factos::Event;

#[derive(Event)]
enum Sales {
    Sold {
        #[tag]
        at: SystemTime,
    },
    Named {
        #[tag]
        name: Arc<[u8]>,
    },
}

fn main() {}

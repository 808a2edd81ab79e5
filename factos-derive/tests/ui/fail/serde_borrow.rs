use factos::Event;

use std::borrow::Cow;

#[derive(Event)]
struct Paid {
    #[serde(borrow)]
    by: Cow<'static, str>,
}

fn main() {}

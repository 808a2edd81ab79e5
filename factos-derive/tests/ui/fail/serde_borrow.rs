use factos::Event;

use std::borrow::Cow;

#[derive(Event)]
struct Paid {
    #[serde(borrow)]
    by: Cow<'static, str>,
}

#[derive(Event)]
enum Fee {
    #[serde(borrow)]
    Noted(Cow<'static, str>),
}

fn main() {}

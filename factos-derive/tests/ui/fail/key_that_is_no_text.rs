use factos::Event;

#[derive(Event)]
struct Paid {
    #[tag("")]
    a: u64,
    #[tag("\t")]
    b: u64,
    #[tag("a\u{85}")]
    c: u64,
    #[tag("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    d: u64,
    #[tag("+")]
    e: u64,
}

fn main() {}

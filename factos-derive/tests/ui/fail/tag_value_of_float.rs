use factos::TagValue;

#[derive(TagValue)]
struct Price(f64);

fn main() {}

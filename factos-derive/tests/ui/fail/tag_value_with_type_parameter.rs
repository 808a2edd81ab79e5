use factos::TagValue;

#[derive(TagValue)]
struct Id<T>(T);

fn main() {}

use factos::TagValue;

#[derive(TagValue)]
enum Grade {
    Passed,
    Marked(u8),
}

#[derive(TagValue)]
enum Same {
    #[serde(rename = "Two")]
    One,
    Two,
}

#[derive(TagValue)]
enum Empty {}

fn main() {}

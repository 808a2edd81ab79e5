use factos::Event;

#[derive(Event)]
struct Paid {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by: Vec<u8>,
    #[serde(skip_serializing)]
    cents: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    to: Vec<u8>,
}

fn main() {}

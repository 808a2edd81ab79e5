use factos::{Event, Payload};

#[derive(Event)]
enum Sales {
    Sold {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    },
    Aliased {
        #[serde(alias = "b")]
        a: u8,
        #[serde(default)]
        b: u8,
    },
}

#[derive(Event)]
#[serde(deny_unknown_fields)]
struct Paid {
    cents: u32,
    #[serde(skip_deserializing)]
    note: u8,
}

#[derive(Payload)]
#[serde(rename_all = "UPPERCASE")]
struct Shouted {
    a: u8,
    #[serde(rename = "A")]
    b: u8,
}

#[derive(Payload)]
struct TwoNames {
    #[serde(rename(serialize = "x", deserialize = "y"))]
    b: u8,
}

fn main() {}

use factos::{Event, Payload};

#[derive(Event)]
#[serde(rename_all = "camelCase")]
struct Paid {
    #[tag]
    über: u8,
    amount: u32,
}

#[derive(Event)]
enum Sales {
    #[serde(rename_all = "camelCase")]
    Sold { öl: u8 },
}

#[derive(Payload)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Fuel {
    Öl,
    Gas {
        _ärger: u8,
        #[serde(rename = "o")]
        öl: u8,
    },
}

/// Serde spells these names as well, and does not use them.
#[derive(Payload)]
#[serde(rename_all = "camelCase")]
struct Unused {
    #[serde(skip)]
    über: u8,
    #[serde(skip_serializing, default, rename(deserialize = "o"))]
    öl: u8,
    #[serde(flatten)]
    ärger: Paid,
}

#[derive(Payload)]
#[serde(rename_all = "camelCase")]
enum HalfNamed {
    #[serde(rename(serialize = "o"))]
    Öl,
    #[serde(skip)]
    Ärger,
    #[serde(rename = "u")]
    Über,
}

fn main() {}

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

fn main() {}

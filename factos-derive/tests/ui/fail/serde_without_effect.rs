use factos::{Event, Payload};

#[derive(Event)]
#[serde(rename_all = "kebab-case")]
enum Sales {
    SeatSold {
        seat: u8,
    },
    #[serde(skip)]
    Secret {
        seat: u8,
    },
    #[serde(flatten)]
    Paid(Raw),
    #[serde(other)]
    Unknown,
}

#[derive(Event)]
#[serde(try_from = "Raw", into = "Raw")]
struct Checked {
    seat: u8,
}

#[derive(Payload)]
struct Raw {
    seat: u8,
}

#[derive(Event)]
#[serde(transparent)]
struct Alone {
    seat: u8,
}

fn main() {}

use factos::{Event, Payload};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Serialize)]
struct Written(u8);

#[derive(Default, Deserialize)]
struct Read(u8);

fn write<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(0)
}

#[derive(Event)]
enum Course {
    Defined {
        written: Written,
        #[serde(serialize_with = "write")]
        odd: Written,
    },
    #[serde(serialize_with = "write")]
    Held(Written),
}

#[derive(Event)]
struct Paid {
    #[serde(skip_deserializing)]
    read: Read,
}

#[derive(Payload)]
struct Note {
    #[serde(skip_serializing)]
    text: Written,
}

fn main() {}

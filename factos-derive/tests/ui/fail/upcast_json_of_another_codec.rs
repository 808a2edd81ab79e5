use factos::Event;

#[derive(Event)]
#[event(codec = factos::Cbor)]
enum Course {
    #[event(version = 2, upcast_json(1 = one))]
    Defined,
}

fn main() {}

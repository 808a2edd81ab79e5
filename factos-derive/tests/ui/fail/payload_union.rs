use factos::Payload;

#[derive(Payload)]
union Note {
    a: u8,
    b: i8,
}

fn main() {}

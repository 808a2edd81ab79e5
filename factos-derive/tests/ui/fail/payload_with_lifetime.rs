use factos::Payload;

#[derive(Payload)]
struct Note<'a, T> {
    text: &'a T,
}

fn main() {}

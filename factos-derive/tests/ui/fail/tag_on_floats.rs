use factos::Event;

#[derive(Event)]
struct Measured {
    #[tag]
    values: Vec<f32>,
}

fn main() {}

use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[serde(default = "seats")]
        seats: u32,
    },
}

fn seats() -> String {
    String::new()
}

fn main() {}

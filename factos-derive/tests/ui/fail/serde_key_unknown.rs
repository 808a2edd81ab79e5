use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[serde(defualt)]
        seats: u32,
    },
}

fn main() {}

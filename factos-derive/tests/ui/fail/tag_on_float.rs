use factos::Event;

#[derive(Event)]
enum Course {
    Priced {
        #[tag]
        price: f64,
    },
}

fn main() {}

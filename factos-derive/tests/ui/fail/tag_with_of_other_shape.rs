use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[tag(with = of_text)]
        hours: f64,
    },
    Renamed {
        #[tag(with = missing)]
        title: String,
    },
    Closed {
        #[tag(with = to_float)]
        at: u64,
    },
}

fn of_text(text: &String) -> String {
    text.clone()
}

fn to_float(at: &u64) -> f64 {
    *at as f64
}

fn main() {}

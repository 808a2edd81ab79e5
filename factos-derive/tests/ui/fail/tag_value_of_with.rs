use factos::Event;

fn length(text: &str) -> usize {
    text.len()
}

#[derive(Event)]
enum Sales {
    Sold {
        #[tag(value = u8)]
        seat: u8,
    },
}

#[derive(Event)]
enum Other {
    Sold {
        #[tag(with = length, value = String)]
        name: String,
    },
}

fn main() {}

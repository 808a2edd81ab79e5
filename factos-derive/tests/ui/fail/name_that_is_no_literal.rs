use factos::Event;

const NAME: &str = "sold";

#[derive(Event)]
enum Sales {
    #[event(NAME)]
    Sold,
    #[event(concat!("a", "b"))]
    Built,
    #[event(name = NAME)]
    Named,
    #[event(crate::NAME)]
    OfPath,
    Tagged {
        #[tag(order)]
        order: u8,
        #[tag(dsplay)]
        misspelt: u8,
    },
}

fn main() {}

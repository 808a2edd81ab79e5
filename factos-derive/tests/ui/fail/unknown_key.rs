use factos::Event;

#[derive(Event)]
#[event(prefx = "x.", kinds = Kind, codek = Json, explicit_name)]
enum Course {
    #[event(verison = 2)]
    Closed,
    #[event(aliass = "Started", sinc = 2, upcasts(1 = one), flaten)]
    Opened,
    #[event(colour = "red")]
    Painted {
        #[tag(wiht = path)]
        by: u64,
        #[tag(kei = "x")]
        to: u64,
        #[tag(colour)]
        at: u64,
    },
}

fn main() {}

use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast(1 = one, 2 = two))]
    NotBelow,
    #[event(version = 3, upcast(1 = one, 1 = again, 2 = two))]
    Twice,
    #[event(version = 3, upcast_json(1 = one), upcast(1 = again, 2 = two))]
    TwiceInBoth,
    #[event(version = 3, since = 2, upcast(1 = one, 2 = two))]
    BelowSince,
    #[event(version = 3, upcast(1 = one), upcast_json(2 = two))]
    JsonAboveTyped,
    #[event(version = 2, upcast(0 = zero, 1 = one))]
    Zero,
}

fn main() {}

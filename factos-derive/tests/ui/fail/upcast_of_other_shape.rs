use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 2, upcast(1 = |old| old))]
    Closure,
    #[event(version = 2, upcast(1 = move || 1))]
    Moved,
    #[event(version = 2, upcast(1 = 2))]
    Number,
    #[event(version = 2, upcast(one = path))]
    Word,
    #[event(version = 2, upcast = path)]
    NoList,
    #[event(version = 2, upcast())]
    Empty,
    #[event(version = 2, upcast)]
    Alone,
    #[event(version = 2, upcast(1 = call(old)))]
    Called,
    #[event(version = 2, upcast(1 =))]
    Nothing,
    #[event(version = 2, upcast(1 => path))]
    Arrow,
}

fn main() {}

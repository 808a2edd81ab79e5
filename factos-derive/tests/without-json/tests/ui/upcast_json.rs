use factos::Event;

#[derive(Event)]
enum Course {
    #[event(version = 3, upcast_json(1 = grown, 2 = crate::grown))]
    Defined { seats: u32 },
}

fn grown<T>(old: T) -> Result<T, String> {
    Ok(old)
}

fn main() {}

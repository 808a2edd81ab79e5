use factos::Event;

#[derive(Event)]
enum Course {
    Defined {
        #[serde(defualt)]
        seats: u32,
    },
}

#[derive(Event)]
#[serde(deny_unknown_field, tag = "type")]
enum Fee {
    #[serde(rename_al = "lowercase")]
    Paid { cents: u32 },
}

fn main() {}

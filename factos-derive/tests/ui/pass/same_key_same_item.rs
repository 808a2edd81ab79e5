//! One key may stand on fields of different types whose values are of one type.
use std::{borrow::Cow, rc::Rc};

use factos::{Event, QueryFor};

type Name = String;

#[derive(Event)]
enum Account {
    Opened {
        #[tag]
        name: Name,
    },
    Renamed {
        #[tag("name")]
        old: Cow<'static, str>,
        #[tag("name")]
        new: Option<Box<str>>,
    },
    Merged {
        #[tag("name")]
        names: Vec<std::string::String>,
    },
}

fn main() {
    let query = QueryFor::from(Account::query().name("n"));
    let text = "(type Merged or Opened or Renamed, tag name:n)";
    assert_eq!(query.as_query().unwrap().to_string(), text);
    let _ = Rc::new(Account::Opened { name: Name::new() });
}

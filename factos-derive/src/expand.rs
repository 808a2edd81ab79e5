//! Generates the code of the macros, from valid input only.

mod companion;
mod decode;
mod event;
mod kind;
mod nested;
mod payload;
mod plain_reader;
mod plain_writer;
mod query;
mod schema;
mod serde_proxy;
mod stored_fields;
mod tag_value;
mod tags;

pub(crate) use event::event;
pub(crate) use kind::kind;
pub(crate) use nested::conversions;
pub(crate) use payload::payload;
pub(crate) use query::stub as stub_query;
pub(crate) use tag_value::{tag_value, tag_value_of_enum};

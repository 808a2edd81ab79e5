//! What the macros print, from checked input only.

mod event;
mod mirror;
mod payload;
mod query;
mod tag_value;

pub(crate) use event::event;
pub(crate) use payload::payload;
pub(crate) use query::loose as loose_query;
pub(crate) use tag_value::tag_value;

//! The attributes, each value with the tokens that it came from.

mod event_attr;
pub(crate) mod lint_attr;
mod meta_item;
pub(crate) mod placement;
pub(crate) mod serde_attr;
mod tag_attr;
mod unknown_key;
mod upcast_step;
mod version;

pub(crate) use event_attr::EventAttr;
pub(crate) use placement::Place;
pub(crate) use tag_attr::{TagAttr, TagConversion};
pub(crate) use upcast_step::UpcastStep;
pub(crate) use version::Version;

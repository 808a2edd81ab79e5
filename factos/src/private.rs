//! What derived code calls. No part of the public interface: it changes in any release.

mod event_type;
mod item;
mod made_name;
mod mirror;
mod payload;
mod same_item;
mod stored_field;
mod tag_form;
mod tag_pairs;
mod tag_writer;
mod upcast;
#[cfg(feature = "json")]
mod upcast_json;
#[cfg(not(feature = "json"))]
mod without_json;

pub use event_type::event_type;
pub use item::{finish, tagged};
pub use made_name::{MadeName, TakenName};
pub use mirror::{AsVariant, NoMirror};
#[cfg(feature = "json")]
pub use payload::Codec;
pub use payload::{Mirrored, codec, decode, encode};
pub use same_item::{SameItem, same_item, same_type};
pub use serde;
pub use stored_field::{
    ReadField, StoredField, WrittenField, read_field, stored_field, written_field,
};
pub use tag_form::{each, each_displayed};
pub use tag_pairs::TagPairs;
pub use tag_writer::TagWriter;
pub use upcast::{UpcastInput, read, refused};
#[cfg(feature = "json")]
pub use upcast_json::JsonSteps;
#[cfg(not(feature = "json"))]
pub use without_json::{Codec, JsonCodec, JsonStep, JsonSteps, UnnamedCodec};

pub use crate::schema::distinct::{assert_distinct, concat, count, names};

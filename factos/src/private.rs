//! What derived code calls. No part of the public interface: it changes in any release.

mod item;
mod mirror;
mod payload;
mod same_item;
mod tag_writer;

pub use item::Item;
pub use mirror::{AsVariant, NoMirror};
#[cfg(not(feature = "json"))]
pub use payload::NoCodec;
pub use payload::{Codec, Mirrored, decode, encode};
pub use same_item::{SameItem, same_item};
pub use serde;
pub use tag_writer::TagWriter;

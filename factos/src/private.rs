//! What derived code calls. No part of the public interface: it changes in any release.

mod decode;
mod encode;
mod equal;
mod event_type;
#[cfg(feature = "json")]
mod exact_value;
mod query_item;
mod same_tag_type;
mod serde_payload;
mod serde_proxy;
mod stored_field;
mod tag_conversion;
mod tag_function;
mod tag_pairs;
mod tag_writer;
mod taken_name;
mod upcast;
#[cfg(feature = "json")]
mod upcast_json;
mod variant_reader;
#[cfg(not(feature = "json"))]
mod without_json;

pub use decode::decode;
pub use encode::encode;
pub use equal::{Equal, Equality, NoEqual};
pub use event_type::{event_type, knows};
pub use query_item::{query_of, tagged, type_at};
pub use same_tag_type::{SameTagType, same_tag_type, same_type};
pub use serde;
#[cfg(feature = "json")]
pub use serde_payload::Codec;
pub use serde_payload::{SerdePayload, codec};
pub use serde_proxy::{AsVariant, NoSerdeProxy};
pub use stored_field::{
    IsEvent, NoEvent, ReadField, StoredField, WrittenField, assert_no_event, read_field,
    stored_field, written_field,
};
pub use tag_conversion::{each, each_displayed};
pub use tag_function::{ByCoercion, ByValue, GivenByValue, TagFunction};
pub use tag_pairs::TagPairs;
pub use tag_writer::TagWriter;
pub use taken_name::{
    name_the_kind_by_event_kind, name_the_query_by_event_query, rename_the_other_method_kind,
    rename_the_other_method_query,
};
pub use upcast::{FallibleStep, LastStep, UpcastInput, event_of, read, refused, result_of};
#[cfg(feature = "json")]
pub use upcast_json::JsonSteps;
pub use variant_reader::{
    FieldNumber, FieldsOf, field_of_map, field_of_seq, no_variant, read_field_of_map, skip_field,
};
#[cfg(not(feature = "json"))]
pub use without_json::{Codec, JsonCodec, JsonStep, JsonSteps, UnnamedCodec};

pub use crate::codec::guard::Check;
pub use crate::query_for::{Conversion, Converts, TypedQuery};
pub use crate::schema::{
    distinct::{assert_distinct, names},
    parts::{concat, count},
    tag_values::{TagKey, assert_one_value_type},
};

//! Values on the wire.

pub(crate) mod array;
pub(crate) mod row;

//! What the columns of the file hold.

pub(crate) mod metadata;
pub(crate) mod number;
pub(crate) mod row;

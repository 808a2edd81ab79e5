//! What the columns of the file hold.

pub(crate) mod row;

//! How values travel to the server and back: arrays, numbers and rows. Knows the driver, and no statement.

mod array;
mod number;
mod row;

pub(crate) use array::{Id, Items, array_literal};
pub(crate) use number::{milliseconds, number, place, position};
pub(crate) use row::{RowReader, first_number, item_index, time_in};

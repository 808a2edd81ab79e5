//! How values travel to the server and back: arrays, numbers and rows. Knows the driver, and no statement.

mod array;
mod number;
mod row;
mod time;

pub(crate) use array::{Id, Items, array_literal};
pub(crate) use number::{milliseconds, number, place, position, whole_milliseconds};
pub(crate) use row::{RowReader, first_number, id_in, item_index, time_in};
pub(crate) use time::{Time, time_since_1970};

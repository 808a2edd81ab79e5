//! Reading: what a read selects, its first page with how far the log is complete, and the pages after it. Knows
//! the open log, and nothing of appends.

mod contended;
mod grouped;
mod in_transaction;
mod later_pages;
mod page_size;
mod pages;
mod queue;
mod reader;
mod recent_records;
mod selection;
mod shared_pages;
mod whole_log;

pub(crate) use self::{
    in_transaction::events_in, pages::events, queue::ReadQueue, reader::Reader,
    recent_records::Known, selection::Selection,
};

//! Appending: what a batch is sent as, what shares a commit, and what each caller is told. Knows the open log,
//! and nothing of reads.

mod batch;
mod group;
mod statement;
mod writer;

pub(crate) use self::{batch::Batch, writer::Writer};

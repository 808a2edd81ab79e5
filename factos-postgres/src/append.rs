//! Appending: what a batch is sent as, what shares a commit, and what each caller is told. Knows the open log,
//! and nothing of reads.

mod attempt;
mod batch;
mod group;
mod guard;
mod hook;
mod hook_pace;
mod hooked;
mod lent;
mod pipeline;
mod single;
mod statement;
mod writer;

pub use self::hook::HookFuture;
pub(crate) use self::{batch::Batch, hook::Hook, writer::Writer};

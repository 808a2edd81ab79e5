//! What a worker needs of a consumer: the same for projections and for effects.

mod handling;
mod projecting;
mod reacting;

pub(crate) use handling::{Advice, Failed, Handler, Place};
pub(crate) use projecting::Projecting;
pub(crate) use reacting::Reacting;

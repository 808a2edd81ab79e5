//! Checkpoints in tables of the application's.

mod row;
mod table;

pub use row::Checkpoint;
pub use table::CheckpointTable;

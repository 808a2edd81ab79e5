//! What a consumer of the log keeps of how far it has come, and how that is compared with the log.

mod anchor;
mod error;
#[cfg(feature = "backend")]
mod key;
mod lookup;

pub use anchor::Anchor;
pub use error::CheckpointError;
#[cfg(feature = "backend")]
pub use key::CheckpointKey;
pub(crate) use lookup::{anchor, resume};

mod batch;
mod error;
mod pause;
mod raw;
mod typed;

pub use batch::Batch;
pub use error::SubscribeError;
pub use raw::Subscription;
pub use typed::TypedSubscription;

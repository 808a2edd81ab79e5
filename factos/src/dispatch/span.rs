//! The spans of a dispatch, and of what it reads and appends. Without the feature `tracing` they are nothing.
//!
//! They tell how much and how long, and never what: no payload, no tag, no metadata, no key.

#[cfg(feature = "tracing")]
mod traced;
#[cfg(not(feature = "tracing"))]
mod untraced;

#[cfg(feature = "tracing")]
pub(super) use traced::Span;
#[cfg(not(feature = "tracing"))]
pub(super) use untraced::Span;

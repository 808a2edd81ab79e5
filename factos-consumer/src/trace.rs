//! The spans of steps and effects, and the events of leases and parked events. Without the feature `tracing` they are nothing.
//!
//! They tell which consumer, how much and how long, and never what: no payload, no key, no reason.

#[cfg(feature = "tracing")]
mod traced;
#[cfg(not(feature = "tracing"))]
mod untraced;

#[cfg(feature = "tracing")]
pub(crate) use traced::{Span, leased, parked, released};
#[cfg(not(feature = "tracing"))]
pub(crate) use untraced::{Span, leased, parked, released};

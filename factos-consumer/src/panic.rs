use std::{any::Any, error::Error};

/// The error that a panic of a consumer counts as.
#[derive(Debug, thiserror::Error)]
#[error("it panicked: {0}")]
struct Panic(String);

/// For ports: the error that a panic of the work of a consumer counts as.
#[must_use]
pub fn panic_error(panic: &(dyn Any + Send)) -> Box<dyn Error + Send + Sync> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Box::new(Panic(text.unwrap_or_else(|| "with no text".to_owned())))
}

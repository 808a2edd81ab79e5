//! What a caller can tell from an error.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::error::Error as _;

use factos::{
    AppendCondition, AppendError, Conflict, Dispatched, Error, EventStore, InvalidEvent, Split,
    StoreError, StoreErrorKind, dispatch, read_context,
};
use factos_memory::MemoryStore;
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 3 };

fn conflict() -> Conflict {
    Conflict::Revision {
        stream: factos::StreamName::new("s").unwrap(),
        expected: factos::Revision::NoEvents,
        actual: factos::Revision::Current(0),
    }
}

#[test]
fn an_error_separates_the_domain_from_the_rest() {
    let yes: Result<u8, Error<SoldOut>> = Ok(1);
    assert_eq!(yes.split().unwrap(), Ok(1));
    let no: Result<u8, Error<SoldOut>> = Err(Error::Domain(SoldOut));
    assert_eq!(no.split().unwrap(), Err(SoldOut));
    let lost: Result<u8, Error<SoldOut>> = Err(conflict().into());
    let rest = lost.split().unwrap_err();
    assert!(rest.is_conflict() && rest.is_retryable());
    let back = Error::<SoldOut>::from(rest).map_domain(|SoldOut| "sold out");
    assert!(matches!(back, Error::Conflict(error) if error == conflict()));
    let mapped = Error::Domain(SoldOut).map_domain(|SoldOut| "sold out");
    assert!(matches!(mapped, Error::Domain("sold out")) && !mapped.is_retryable());
}

#[derive(Debug)]
struct NoConnection(std::fmt::Error);

impl std::fmt::Display for NoConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no connection in time")
    }
}

impl std::error::Error for NoConnection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn an_error_is_printed_once_and_names_its_cause() {
    let busy = StoreError::new(StoreErrorKind::Busy, NoConnection(std::fmt::Error));
    let error = Error::<std::fmt::Error>::from(busy);
    assert!(error.is_retryable() && !error.is_conflict());
    assert_eq!(error.to_string(), "no connection in time");
    assert_eq!(error.source().unwrap().to_string(), std::fmt::Error.to_string());
    let domain = Error::Domain(std::fmt::Error);
    assert_eq!(domain.to_string(), std::fmt::Error.to_string());
    assert!(domain.source().is_none());
}

#[tokio::test]
async fn debug_is_all_that_main_asks_of_a_domain_error() {
    async fn main() -> Result<(), Error<SoldOut>> {
        let store = MemoryStore::new();
        store.append(vec![new_event(&sold("a", "x"))], AppendCondition::None).await?;
        let context = read_context(&store, &OFFICE, &buy("a", "y")).await?;
        assert_eq!(context.state, 1);
        let Dispatched { records, .. } = dispatch(&store, &OFFICE).run(&buy("a", "y")).await?;
        assert_eq!(records.len(), 1);
        Ok(())
    }
    assert!(main().await.is_ok());
}

#[test]
fn a_refused_append_is_told_by_what_to_do_about_it() {
    let of = Error::<SoldOut>::from;
    assert!(of(AppendError::from(conflict())).is_conflict());
    let busy = StoreError::new(StoreErrorKind::Busy, "busy");
    assert!(of(AppendError::from(busy)).is_retryable());
    let invalid = InvalidEvent::TooManyEvents { events: 2, limit: 1 };
    let refused = of(AppendError::from(invalid));
    assert!(matches!(refused, Error::Append(AppendError::Invalid(_))) && !refused.is_retryable());
}

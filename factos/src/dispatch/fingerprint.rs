//! A hash of a request, by which a later request under the same idempotency key is told from it.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::hexadecimal::hexadecimal;

mod canonical;

use canonical::Canonical;

/// What `value` serializes to, as a hash of 128 bits in hexadecimal digits. Neither the order of a struct's
/// fields nor that of a map's entries counts. The hash is kept for as long as the log is, so what it is made of
/// never changes.
pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<String, canonical::Refused> {
    let hash = Sha256::digest(value.serialize(Canonical)?);
    Ok(hexadecimal(&hash[..16]))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[derive(Serialize)]
    struct Booking<'a> {
        show: &'a str,
        seats: u32,
        note: Option<&'a str>,
    }

    #[derive(Serialize)]
    struct Reordered<'a> {
        note: Option<&'a str>,
        seats: u64,
        show: &'a str,
    }

    #[derive(Serialize)]
    enum Command {
        Book(Vec<u8>),
        Cancel(Vec<u8>),
        Move { from: u8, to: u8 },
    }

    #[test]
    fn a_fingerprint_never_changes() {
        let booking = Booking { show: "a", seats: 2, note: None };
        assert_eq!(of(&booking).unwrap(), "04a3628dfb46b19bfee0f6e8c33488f1");
        let all =
            (true, 'c', -1_i8, 1.5_f32, u128::MAX, (), [Some(Command::Move { from: 1, to: 2 })]);
        assert_eq!(of(&all).unwrap(), "c5ab632d9b7ca8d251741c6a24d668f6");
    }

    #[test]
    fn only_what_a_request_says_counts() {
        let booking = Booking { show: "a", seats: 2, note: None };
        let reordered = Reordered { note: None, seats: 2, show: "a" };
        assert_eq!(of(&booking).unwrap(), of(&reordered).unwrap());
        let entries: Vec<_> = (0..100).map(|n| (n, n * n)).collect();
        let hashed: HashMap<_, _> = entries.iter().copied().collect();
        let sorted: BTreeMap<_, _> = entries.into_iter().collect();
        assert_eq!(of(&hashed).unwrap(), of(&sorted).unwrap());
    }

    #[test]
    fn different_requests_differ() {
        let different = [
            of(&Booking { show: "a", seats: 2, note: None }),
            of(&Booking { show: "a", seats: 3, note: None }),
            of(&Booking { show: "b", seats: 2, note: None }),
            of(&Booking { show: "a", seats: 2, note: Some("") }),
            of(&Command::Book(vec![1, 2])),
            of(&Command::Book(vec![2, 1])),
            of(&Command::Book(vec![])),
            of(&Command::Cancel(vec![1, 2])),
            of(&Command::Move { from: 1, to: 2 }),
            of(&Command::Move { from: 2, to: 1 }),
            of(&("ab", "c")),
            of(&("a", "bc")),
            of(&[["a"], ["b"]]),
            of(&[["a", "b"]]),
            of(&1),
            of(&-1),
            of(&"1"),
            of(&1.0),
            of(&Some(Some(()))),
            of(&Some(None::<()>)),
            of(&None::<Option<()>>),
        ]
        .map(Result::unwrap);
        let distinct: std::collections::HashSet<_> = different.iter().collect();
        assert_eq!(distinct.len(), different.len());
    }

    #[test]
    fn what_does_not_serialize_is_told() {
        let poisoned = std::sync::Arc::new(std::sync::Mutex::new(1));
        let twin = std::sync::Arc::clone(&poisoned);
        let _ = std::thread::spawn(move || {
            let _guard = twin.lock();
            panic!("the lock is poisoned by this");
        })
        .join();
        assert!(of(&*poisoned).unwrap_err().to_string().contains("poison"));
    }
}

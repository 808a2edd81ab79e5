use std::{error::Error, fmt::Debug};

use super::random::Random;
use crate::{
    append::NewEvent,
    event::{self, Event},
};

/// Checks that an event comes back equal when it is encoded and decoded.
///
/// # Panics
/// If it is refused, does not decode, or comes back as another event or with other tags.
#[track_caller]
pub fn assert_comes_back<E: Event + Debug + PartialEq>(event: &E) {
    if let Err(problem) = encoded(event).and_then(|new| comes_back(event, &new)) {
        panic!("{problem}");
    }
}

/// Checks as many random events as there are `cases`: each comes back equal.
///
/// Each is made from a [`Random`] of its own. An event that is refused at `encode` is not stored, and so need
/// not come back.
///
/// # Panics
/// As [`assert_comes_back`], with the seed of the case; and if every event is refused.
#[track_caller]
pub fn assert_each_comes_back<E: Event + Debug + PartialEq>(
    cases: u64,
    mut make: impl FnMut(&mut Random) -> E,
) {
    let mut refusal = None;
    let mut stored = 0_u64;
    for seed in 0..cases {
        let event = make(&mut Random::with_seed(seed));
        match encoded(&event) {
            Err(problem) => refusal = Some(problem),
            Ok(new) => {
                stored += 1;
                if let Err(problem) = comes_back(&event, &new) {
                    panic!("{problem} (seed {seed})");
                }
            }
        }
    }
    let last = refusal.unwrap_or_else(|| "there is no case".to_owned());
    assert!(stored > 0, "every event was refused, at last: {last}");
}

pub(super) fn encoded<E: Event + Debug>(event: &E) -> Result<NewEvent, String> {
    event::encode(event).map_err(|error| format!("{event:?} cannot be stored: {}", chain(&error)))
}

pub(super) fn comes_back<E>(event: &E, new: &NewEvent) -> Result<(), String>
where
    E: Event + Debug + PartialEq,
{
    let back = E::decode(&new.event_type, new.version, &new.payload)
        .map_err(|error| format!("{event:?} is stored, but cannot be read: {}", chain(&error)))?;
    if back != *event {
        return Err(format!("{event:?} comes back as {back:?}"));
    }
    match back.tags() {
        Ok(tags) if tags == new.tags => Ok(()),
        Ok(tags) => Err(format!("{event:?} has the tags {:?}, and {tags:?} once read", new.tags)),
        Err(error) => Err(format!("{event:?} has no tags once read: {}", chain(&error))),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

//! The log in the end, against what everybody was told, and against the rules by which each event was decided.

use std::collections::{BTreeMap, HashMap, HashSet};

use factos::{Bytes, Decider, Event, EventId, Recorded, SequencePosition};

use crate::{
    boundaries::{COUNTED, Office, Sales, Show},
    ledger::{Acknowledged, Ledger},
};

/// Asserts that all that was acknowledged is there, once, that nothing is there that was told as not written or that
/// nobody sent, and that no boundary was broken.
pub(crate) fn verify(log: &[Recorded<Bytes>], ledger: &Ledger) {
    let stored: HashMap<EventId, SequencePosition> =
        log.iter().map(|record| (record.id, record.position)).collect();
    assert!(log.is_sorted_by(|a, b| a.position < b.position), "positions");
    assert_eq!(stored.len(), log.len(), "an event is there twice");
    let mut known = HashSet::new();
    for Acknowledged { id, position, .. } in &ledger.acknowledged {
        assert_eq!(stored.get(id), Some(position), "acknowledged as {id} at {position}");
        assert!(known.insert(*id), "{id} was acknowledged twice");
    }
    for id in &ledger.found {
        assert!(stored.contains_key(id), "{id} was found, and is not there");
        assert!(known.insert(*id), "{id} was acknowledged and found");
    }
    let written = ledger.not_written.iter().find(|id| stored.contains_key(id));
    assert_eq!(written, None, "told as not written, and there");
    let strange = log.iter().find(|record| !known.contains(&record.id));
    assert!(strange.is_none(), "nobody was told of {strange:?}");
    verify_rules(log);
}

/// Asserts that no boundary was broken.
pub(crate) fn verify_rules(log: &[Recorded<Bytes>]) {
    verify_streams(log);
    verify_counters(log);
    shows(log);
}

/// The shows of a log. Asserts that each event is what the rule makes of all events of its show before it.
pub(crate) fn shows(log: &[Recorded<Bytes>]) -> BTreeMap<u32, Show> {
    let mut shows = BTreeMap::<u32, Show>::new();
    for record in log {
        let Ok(event) = Sales::decode(&record.event_type, record.version, &record.event) else {
            continue;
        };
        let number = event.show();
        let show = shows.remove(&number).unwrap_or_default();
        let Ok(decided) = Office.decide(&show, &number);
        assert_eq!(decided.first(), Some(&event), "the rule is broken at {}", record.position);
        shows.insert(number, Office.evolve(show, &event));
    }
    assert!(!shows.is_empty(), "nothing was sold");
    shows
}

/// Asserts that revisions go on without a gap.
fn verify_streams(log: &[Recorded<Bytes>]) {
    let mut revisions = HashMap::<_, u64>::new();
    for record in log {
        let Some(stream) = &record.stream else { continue };
        let next = revisions.entry(stream).or_default();
        assert_eq!(record.revision, Some(*next), "of {record:?}");
        *next += 1;
    }
    assert!(!revisions.is_empty(), "no stream was appended to");
}

/// Asserts that each count was decided from every count before it.
fn verify_counters(log: &[Recorded<Bytes>]) {
    let mut counted = HashMap::<_, Vec<SequencePosition>>::new();
    for record in log.iter().filter(|record| record.event_type == COUNTED) {
        let earlier = counted.entry(record.tags.as_lines()).or_default();
        let told = String::from_utf8_lossy(&record.event);
        let (from, count) = told.split_once(' ').unwrap();
        let from = SequencePosition::new(from.parse().unwrap());
        let (counter, at) = (record.tags.as_lines(), record.position);
        assert!(earlier.last() <= from.as_ref(), "{counter} at {at} was decided from {from:?}");
        assert_eq!(count.parse(), Ok(earlier.len()), "{counter} at {at}, after {earlier:?}");
        earlier.push(at);
    }
    assert!(!counted.is_empty(), "nothing was counted");
}

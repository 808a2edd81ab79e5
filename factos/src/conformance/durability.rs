//! Cases of logs that are opened again, after every handle was dropped, and of what was flushed before.

mod flushes;

pub use flushes::{an_acknowledged_append_was_flushed, appends_at_once_were_flushed};

use super::{
    difference::assert_same,
    fixture::Fixture,
    sample_values::{event, expecting, in_stream, query, unless},
    store_calls::{
        admitted, append, append_if, append_one, assert_duplicate, head_of, matching, refused,
        whole_log,
    },
};
use crate::{
    append::AppendCondition, events::Page, query::Query, revision::Revision, store::EventStore,
};

/// A reopened log has every acknowledged event, unchanged.
pub async fn reopening_finds_every_acknowledged_event<F: Fixture>(log: F) {
    let mut acknowledged = Vec::new();
    for round in 1..=4 {
        let store = log.connect().await;
        for _ in 0..10 {
            let batch = vec![event("A", &["x:1"]), in_stream("s", "B")];
            acknowledged.extend(append(&store, batch).await);
        }
        drop(store);
        let store = log.connect().await;
        let rule = "a reopened log has every acknowledged event";
        assert_same(rule, &whole_log(&store).await, &acknowledged);
        let tagged = matching(&store, &query(&[], &["x:1"])).await.len();
        assert_eq!(tagged, 10 * round, "{rule}: those of a tag");
    }
}

/// A reopened log issues no position again.
pub async fn positions_go_on_after_reopening<F: Fixture>(log: F) {
    let mut head = None;
    for _ in 0..4 {
        let store = log.connect().await;
        assert_eq!(head_of(&store).await, head, "a reopened log has the head that it had");
        let written = append_one(&store, event("A", &[])).await.position;
        assert!(
            Some(written) > head,
            "a reopened log issues no position again: {written}, the head was {head:?}"
        );
        head = Some(written);
    }
}

/// A reopened log issues no revision again.
pub async fn revisions_go_on_after_reopening<F: Fixture>(log: F) {
    for n in 0..4_u64 {
        let store = log.connect().await;
        let expected = Revision::from(n.checked_sub(1));
        refused(&store, in_stream("s", "A"), expecting("s", Revision::Current(n))).await;
        let revision =
            admitted(&store, in_stream("s", "A"), expecting("s", expected)).await.revision;
        assert_eq!(revision, Some(n), "a reopened log issues no revision again");
    }
}

/// A reopened log accepts no id again.
pub async fn ids_stay_unique_after_reopening<F: Fixture>(log: F) {
    let taken = written(&log).await;
    let store = log.connect().await;
    for record in &taken {
        let mut again = event("Z", &[]);
        again.id = record.id;
        let outcome = append_if(&store, again, AppendCondition::None).await;
        assert_duplicate(&outcome, record.id);
    }
    assert_same("a reopened log accepts no id again", &whole_log(&store).await, &taken);
}

/// A reopened log checks conditions against the events that were appended before it was closed.
pub async fn conditions_go_on_after_reopening<F: Fixture>(log: F) {
    let page = written(&log).await;
    let store = log.connect().await;
    let (first, last) = (page[0].position, page[page.len() - 1].position);
    for query in [Query::all(), query(&["B"], &[]), query(&[], &["x:1"])] {
        refused(&store, event("C", &[]), unless(&query)).await;
        refused(&store, event("C", &[]), unless(&query).after(first)).await;
    }
    admitted(&store, event("C", &[]), unless(&Query::all()).after(last)).await;
}

/// A reopened log has the identity that it had.
pub async fn a_reopened_log_has_its_identity<F: Fixture>(log: F) {
    let id = log.connect().await.log_id().to_owned();
    for _ in 0..2 {
        written(&log).await;
        let now = log.connect().await.log_id().to_owned();
        assert_eq!(now, id, "a reopened log has the identity that it had");
    }
}

async fn written<F: Fixture>(log: &F) -> Page {
    let store = log.connect().await;
    let batch = [event("A", &["x:1"]), in_stream("s", "B"), event("B", &["x:1"])];
    append(&store, batch.into()).await
}

//! Cases of the revisions of streams, and of conditions on them.

use super::{
    difference::assert_same,
    fixture::Fixture,
    pages::{assert_counted, revisions, types},
    sample_values::{LARGE, event, expecting, in_stream, query},
    store_calls::{
        admitted, append, append_one, appended, assert_duplicate, matching, of_stream, refused,
    },
};
use crate::{
    append::AppendCondition, read_options::ReadOptions, revision::Revision, store::EventStore,
};

const ALL: ReadOptions = ReadOptions::all();

/// The revisions of each stream count from 0 without gaps.
pub async fn revisions_count_from_zero<F: Fixture>(log: F) {
    let store = log.connect().await;
    for round in 0..4 {
        for name in ["s", "t", "s-1"] {
            let record = append_one(&store, in_stream(name, "A")).await;
            let rule = "the revisions of each stream count from 0 without gaps";
            assert_eq!(record.revision, Some(round), "{rule}: the stream {name}");
        }
        append(&store, vec![event("A", &[])]).await;
    }
    let page = of_stream(&store, "t", ALL).await;
    assert_eq!(page.len(), 4, "a stream has each event that was appended to it");
    assert_counted("t", &page);
}

/// A batch may hold events of two streams and of no stream, in any order.
pub async fn a_batch_may_mix_streams<F: Fixture>(log: F) {
    let store = log.connect().await;
    let batch = || {
        let (s, t) = (in_stream("s", "A"), in_stream("t", "B"));
        vec![s, event("C", &[]), t, in_stream("s", "D"), event("E", &[])]
    };
    let first = append(&store, batch()).await;
    let second = append(&store, batch()).await;
    let rule = "each stream of a batch has revisions of its own, and other events have none";
    assert_eq!(revisions(&first), [Some(0), None, Some(0), Some(1), None], "{rule}");
    assert_eq!(revisions(&second), [Some(2), None, Some(1), Some(3), None], "{rule}");
    let rule = "a stream has each event that was appended to it, and no other";
    assert_eq!(types(&of_stream(&store, "s", ALL).await), ["A", "D", "A", "D"], "{rule}");
    assert_eq!(revisions(&of_stream(&store, "t", ALL).await), [Some(0), Some(1)], "{rule}");
}

/// A stream is read by itself, in the order of revisions, with every option of a read.
pub async fn a_stream_is_read_by_itself<F: Fixture>(log: F) {
    let store = log.connect().await;
    for name in ["A", "B", "C", "D"] {
        append(&store, vec![in_stream("s", name), in_stream("S", "x"), event("y", &[])]).await;
    }
    let page = of_stream(&store, "s", ALL).await;
    let rule = "a read of a stream shows its events, within the options";
    assert_eq!(types(&page), ["A", "B", "C", "D"], "{rule}");
    let bounded = ALL.after(page[0].position).before(page[3].position);
    assert_eq!(types(&of_stream(&store, "s", bounded).await), ["B", "C"], "{rule}: {bounded:?}");
    assert_eq!(types(&of_stream(&store, "s", bounded.limit(1)).await), ["B"], "{rule}: one");
    let backwards = ALL.backwards().limit(3);
    assert_eq!(types(&of_stream(&store, "s", backwards).await), ["D", "C", "B"], "{rule}");
    let rule = "a stream that nothing was appended to has no events";
    assert_same(rule, &of_stream(&store, "none", ALL).await, &[]);
}

/// A query selects events of streams as well as others.
pub async fn queries_see_events_of_streams<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A"), event("A", &[]), in_stream("t", "A")]).await;
    let page = matching(&store, &query(&["A"], &[])).await;
    let rule = "a query selects events of streams as well as others";
    assert_eq!(revisions(&page), [Some(0), None, Some(0)], "{rule}");
}

/// The condition `NoEvents` holds for a new stream, however many events the batch writes to it.
pub async fn no_events_holds_for_a_new_stream<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("t", "A"), event("A", &[])]).await;
    let batch = vec![in_stream("s", "A"), in_stream("s", "B"), in_stream("s", "C")];
    let page = appended(&store, batch, expecting("s", Revision::NoEvents)).await;
    assert_counted("s", &page);
    refused(&store, in_stream("s", "D"), expecting("s", Revision::NoEvents)).await;
}

/// A condition on the current revision holds, also for a batch of several events.
pub async fn the_current_revision_holds<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut revision = Revision::NoEvents;
    for _ in 0..4 {
        let batch = vec![in_stream("s", "A"), event("B", &[]), in_stream("s", "C")];
        let page = appended(&store, batch, expecting("s", revision)).await;
        revision = page[2].revision.into();
    }
    assert_eq!(revision, Revision::Current(7), "four batches of two events were appended");
}

/// A condition on a stale or future revision is refused.
pub async fn other_revisions_are_refused<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, (0..3).map(|_| in_stream("s", "A")).collect()).await;
    for revision in [0, 1, 3].into_iter().chain(LARGE).map(Revision::Current) {
        refused(&store, in_stream("s", "A"), expecting("s", revision)).await;
    }
    for revision in [0, 1].into_iter().chain(LARGE).map(Revision::Current) {
        refused(&store, in_stream("new", "A"), expecting("new", revision)).await;
    }
    let rule = "an append that is refused leaves nothing behind";
    assert_eq!(of_stream(&store, "s", ALL).await.len(), 3, "{rule}: events of the stream");
}

/// A condition may name a stream that the batch does not write to.
pub async fn a_condition_may_look_at_another_stream<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A")]).await;
    let holds = expecting("s", Revision::Current(0));
    admitted(&store, in_stream("t", "B"), holds.clone()).await;
    admitted(&store, event("C", &[]), holds).await;
    refused(&store, in_stream("t", "B"), expecting("s", Revision::Current(1))).await;
    refused(&store, event("C", &[]), expecting("s", Revision::NoEvents)).await;
}

/// Events of other streams, or of no stream, leave the revision of a stream as it is.
pub async fn other_streams_leave_a_revision_alone<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A")]).await;
    let others = vec![in_stream("s-1", "A"), in_stream("S", "A"), event("A", &["s:1"])];
    append(&store, others).await;
    let condition = expecting("s", Revision::Current(0));
    admitted(&store, in_stream("s", "B"), condition).await;
}

/// A refused append uses up no revision.
pub async fn a_refused_append_uses_no_revision<F: Fixture>(log: F) {
    let store = log.connect().await;
    let taken = append_one(&store, in_stream("s", "A")).await.id;
    refused(&store, in_stream("s", "B"), expecting("s", Revision::NoEvents)).await;
    let mut batch = vec![in_stream("s", "C"), in_stream("s", "D")];
    batch[1].id = taken;
    assert_duplicate(&store.append(batch, AppendCondition::None).await, taken);
    let revision = append_one(&store, in_stream("s", "E")).await.revision;
    assert_eq!(revision, Some(1), "an append that is refused uses up no revision");
}

/// The revisions of a stream go on whichever handle appends, also one that is opened after others
/// appended.
pub async fn revisions_go_on_across_handles<F: Fixture>(log: F) {
    let mut handles = Vec::new();
    for n in 0..9_u64 {
        if n < 4 {
            handles.push(log.connect().await);
        }
        let store = &handles[usize::try_from(n).unwrap() % handles.len()];
        let condition = expecting("s", n.checked_sub(1).into());
        let revision = admitted(store, in_stream("s", "A"), condition).await.revision;
        assert_eq!(revision, Some(n), "revisions go on whichever handle appends");
    }
}

//! Cases of appends: what they write, return and refuse.

use std::{
    pin::pin,
    task::Poll,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use super::{
    difference::assert_same,
    fixture::Fixture,
    pages::{assert_increasing, ids, positions, types},
    sample_values::{at, event, expecting, in_stream, query, stream, unless},
    store_calls::{
        append, append_if, append_one, appended, assert_duplicate, brief, trace, whole_log,
    },
};
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::AppendError,
    event_id::EventId,
    events::Page,
    metadata::Metadata,
    query::Query,
    recorded::Recorded,
    revision::Revision,
    store::EventStore,
};

/// Texts that a store may take for one another, or change.
const LOOKALIKES: [&str; 12] = [
    "\u{e9}",
    "e\u{301}",
    "\u{c9}",
    "e",
    "E",
    "e ",
    " e",
    "\u{1f3ab}",
    "\u{fb01}",
    "fi",
    "%",
    "_'\"\\",
];

/// Positions strictly increase, from event to event within a batch and from batch to batch.
pub async fn positions_strictly_increase<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut returned = append(&store, vec![event("A", &[]), event("B", &[])]).await;
    returned.extend(append(&store, vec![event("C", &[])]).await);
    returned.extend(append(&store, (0..20).map(|_| event("D", &[])).collect()).await);
    let rule = "an append returns its records in the order of its events";
    assert_eq!(types(&returned)[..3], ["A", "B", "C"], "{rule}");
    assert_increasing(&returned);
    let rule = "a read shows the positions that the appends returned";
    assert_eq!(positions(&whole_log(&store).await), positions(&returned), "{rule}");
}

/// Events are read in the order in which they were appended, whatever their ids are.
pub async fn ids_have_no_say_in_the_order<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut batch: Vec<_> = ["A", "B", "C", "D"].map(|name| event(name, &[])).into();
    for (event, byte) in batch.iter_mut().zip([9, 3, 7, 1]) {
        event.id = EventId::from_bytes([byte; 16]);
    }
    append(&store, batch).await;
    let rule = "events are read in the order in which they were appended, whatever their ids are";
    assert_eq!(types(&whole_log(&store).await), ["A", "B", "C", "D"], "{rule}");
}

/// Each field of a record equals the field of the event that was appended.
pub async fn a_record_says_what_was_appended<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent = rich_batch();
    for page in [append(&store, sent.clone()).await, whole_log(&store).await] {
        let rule = "a log has a record for each event that was appended";
        assert_eq!(page.len(), sent.len(), "{rule}");
        let right: Page = page.iter().zip(&sent).map(|(is, event)| as_sent(is, event)).collect();
        assert_same("a record says what was appended", &page, &right);
        for record in &page {
            let (is, has) = (record.revision.is_some(), record.stream.is_some());
            assert_eq!(is, has, "an event has a revision if it has a stream: {record:?}");
        }
    }
}

/// The records that an append returns equal those of a later read, in order.
pub async fn returned_records_equal_a_later_read<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut returned = append(&store, rich_batch()).await;
    returned.extend(append(&store, rich_batch()).await);
    let rule = "a read shows what the append returned";
    assert_same(rule, &whole_log(&store).await, &returned);
    assert_same(rule, &whole_log(&log.connect().await).await, &returned);
}

/// A record tells when it was appended, in whole microseconds.
pub async fn the_time_is_in_whole_microseconds<F: Fixture>(log: F) {
    let store = log.connect().await;
    for _ in 0..10 {
        let record = append_one(&store, event("A", &[])).await;
        let since = record.recorded_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let rule = "a time is in whole microseconds";
        assert_eq!(since.subsec_nanos() % 1000, 0, "{rule}: {since:?} after the epoch");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let rule = "a record tells when it was appended";
        assert!(now.abs_diff(since).as_secs() < 3600, "{rule}: {since:?} is not now, {now:?}");
    }
}

/// A payload is opaque: bytes of every value come back unchanged, and an empty payload does too.
pub async fn a_payload_comes_back_byte_for_byte<F: Fixture>(log: F) {
    let store = log.connect().await;
    let every_byte: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let payloads = [every_byte, Vec::new(), vec![0], b"{\"a\": 1 }\n".to_vec()];
    for payload in &payloads {
        let mut event = event("A", &[]);
        event.payload = payload.clone().into();
        append_one(&store, event).await;
    }
    let page = whole_log(&store).await;
    let stored: Vec<_> = page.iter().map(|record| record.event.to_vec()).collect();
    assert_eq!(stored, payloads, "a payload comes back byte for byte");
}

/// Metadata comes back byte for byte, with quotes, control characters and empty values.
pub async fn metadata_comes_back_byte_for_byte<F: Fixture>(log: F) {
    let store = log.connect().await;
    let control: String = (1..=0x9F).filter_map(char::from_u32).collect();
    let mut metadata = Metadata::new();
    for (key, value) in [
        ("empty", ""),
        ("control", &control),
        ("json", "{\"a\":[1,\"\\u0000\"]}\r\n"),
        ("zz \u{1f511}:=\"'", "e\u{301} \u{e9} \u{1f3ab} \u{2028}\u{feff}"),
        ("A", "upper"),
        ("a", "lower"),
    ] {
        metadata.insert(key, value).unwrap();
    }
    let mut event = event("A", &[]);
    event.metadata = metadata.clone();
    append_one(&store, event).await;
    let stored = &whole_log(&store).await[0];
    assert_eq!(stored.metadata, metadata, "metadata comes back byte for byte");
}

/// Types, tags and streams that differ in one byte are different names.
pub async fn names_are_equal_only_byte_for_byte<F: Fixture>(log: F) {
    let store = log.connect().await;
    for name in LOOKALIKES {
        let mut event = event(name, &[&format!("k:{name}")]);
        event.stream = Some(stream(name));
        let rule = "names that differ in one byte are names of different streams";
        assert_eq!(append_one(&store, event).await.revision, Some(0), "{rule}: {name:?}");
    }
    for name in LOOKALIKES {
        let tag = format!("k:{name}");
        for query in [query(&[name], &[]), query(&[], &[&tag])] {
            let page = super::store_calls::matching(&store, &query).await;
            assert_eq!(types(&page), [name], "names match only byte for byte: {query}");
            let rule = "a name comes back byte for byte";
            assert_eq!(page[0].stream, Some(stream(name)), "{rule}");
            assert_eq!(page[0].tags.as_lines(), tag, "{rule}");
        }
    }
}

/// Any UUID is accepted as an id, and comes back unchanged.
pub async fn any_uuid_is_an_id<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent = [[0; 16], [255; 16], *b"not a uuid, but!", [0x80; 16]].map(EventId::from_bytes);
    for id in sent {
        let mut event = event("A", &[]);
        event.id = id;
        append_one(&store, event).await;
    }
    assert_eq!(ids(&whole_log(&store).await), sent, "any UUID is an id, and comes back unchanged");
}

/// An empty batch is refused before its condition is looked at.
pub async fn an_empty_batch_is_refused_before_its_condition<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A")]).await;
    let before = trace(&store).await;
    for condition in [
        AppendCondition::None,
        unless(&Query::all()),
        expecting("s", Revision::NoEvents),
        expecting("s", Revision::Current(0)),
    ] {
        let outcome = store.append(Vec::new(), condition).await;
        assert!(
            matches!(outcome, Err(AppendError::EmptyBatch)),
            "an empty batch is refused as such, before its condition is looked at, {}",
            brief(&outcome)
        );
    }
    before.assert_kept(&store, "an empty batch").await;
}

/// A batch that has an id twice is refused, and nothing of it is written.
pub async fn an_id_twice_in_a_batch_is_refused<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut batch = vec![in_stream("s", "A"), in_stream("s", "B"), in_stream("t", "C")];
    batch[2].id = batch[0].id;
    let before = trace(&store).await;
    let outcome = store.append(batch.clone(), AppendCondition::None).await;
    assert_duplicate(&outcome, batch[0].id);
    before.assert_kept(&store, "a batch that has an id twice").await;
}

/// A batch with an id that is in the log is refused, wherever the id stands in the batch, and nothing
/// of it is written.
pub async fn an_id_of_the_log_is_refused<F: Fixture>(log: F) {
    let store = log.connect().await;
    let taken = append_one(&store, in_stream("s", "A")).await.id;
    let before = trace(&store).await;
    for place in 0..3 {
        let mut batch = vec![in_stream("s", "A"), in_stream("t", "B"), event("C", &["x:1"])];
        batch[place].id = taken;
        let outcome = store.append(batch, AppendCondition::None).await;
        assert_duplicate(&outcome, taken);
        before.assert_kept(&store, &format!("its event {place} has an id of the log")).await;
    }
    let other = log.connect().await;
    let mut again = event("Z", &[]);
    again.id = taken;
    let outcome = append_if(&other, again, AppendCondition::None).await;
    assert_duplicate(&outcome, taken);
}

/// Of several duplicates the first in the order of the batch is told, and an id that stands twice in the
/// batch before one that is in the log.
pub async fn the_first_duplicate_is_told<F: Fixture>(log: F) {
    let store = log.connect().await;
    let older = append_one(&store, event("A", &["x:1"])).await.id;
    let newer = append_one(&store, event("A", &["x:1"])).await.id;
    let (new, twice) = (crate::EventId::new(), crate::EventId::new());
    for (ids, told) in [
        ([new, newer, older, twice], newer),
        ([new, older, newer, twice], older),
        ([newer, new, twice, older], newer),
        ([new, older, twice, twice], twice),
        ([newer, older, new, older], older),
    ] {
        let batch = ids.map(|id| crate::NewEvent { id, ..event("B", &["x:1"]) });
        let outcome = store.append(batch.into(), AppendCondition::None).await;
        assert_duplicate(&outcome, told);
    }
    let rule = "of a batch that is refused nothing is written";
    assert_eq!(whole_log(&store).await.len(), 2, "{rule}: events of the log");
}

/// A batch that is sent again is refused as a duplicate, even if its condition no longer holds.
pub async fn a_taken_id_is_told_before_the_condition<F: Fixture>(log: F) {
    let store = log.connect().await;
    let sent = in_stream("s", "A");
    for condition in [
        unless(&query(&["A"], &[])),
        expecting("s", Revision::NoEvents),
        expecting("s", Revision::Current(7)),
        AppendCondition::None,
    ] {
        let first = append_if(&store, sent.clone(), condition.clone()).await;
        let again = append_if(&store, sent.clone(), condition).await;
        if first.is_err() {
            assert_duplicate(&first, sent.id);
        }
        assert_duplicate(&again, sent.id);
    }
    let rule = "a batch that is sent again is not written again";
    assert_eq!(whole_log(&store).await.len(), 1, "{rule}: events of the log");
}

/// A refused append leaves no trace: the log, the head, the revisions and the ids are as before.
pub async fn a_refused_append_leaves_no_trace<F: Fixture>(log: F) {
    let store = log.connect().await;
    append(&store, vec![in_stream("s", "A")]).await;
    let before = trace(&store).await;
    let batch = vec![in_stream("s", "B"), in_stream("t", "C"), event("D", &[])];
    for condition in [unless(&query(&["A"], &[])), expecting("s", Revision::Current(1))] {
        let outcome = store.append(batch.clone(), condition.clone()).await;
        assert!(
            matches!(outcome, Err(AppendError::Conflict(_))),
            "a batch whose condition does not hold is refused, {condition:?}, {}",
            brief(&outcome)
        );
        before.assert_kept(&store, &format!("{condition:?}")).await;
    }
    let condition = expecting("t", Revision::NoEvents);
    let accepted = appended(&store, batch, condition).await;
    let rule = "an append that is refused uses up no revision";
    assert_eq!(super::pages::revisions(&accepted), [Some(1), Some(0), None], "{rule}");
    assert!(accepted[0].position > at(1), "positions strictly increase: {accepted:?}");
}

/// If the future of an append is dropped before it is ready, the batch is in the log as a whole or not
/// at all, and sending it again tells which.
pub async fn a_dropped_append_leaves_all_or_nothing<F: Fixture>(log: F) {
    let store = log.connect().await;
    let mut sent = Vec::new();
    let batch = || -> Vec<_> { ["A", "B", "C"].map(|name| event(name, &[])).into() };
    let first = batch();
    sent.push(first.clone());
    let start = Instant::now();
    append(&store, first).await;
    let took = start.elapsed();
    for n in 0..80 {
        let batch = batch();
        sent.push(batch.clone());
        let appending = store.append(batch.clone(), AppendCondition::None);
        match n {
            0..40 => poll_and_drop(n % 8, appending).await,
            // From one that is dropped at once to one that has probably ended.
            _ => drop_after(took * (n - 40) / 30, appending).await,
        }
        let id = batch[0].id;
        let again = store.append(batch, AppendCondition::None).await;
        if again.is_err() {
            assert_duplicate(&again, id);
        }
    }
    let stored = ids(&whole_log(&store).await);
    let sent: Vec<_> = sent.into_iter().flatten().map(|event| event.id).collect();
    let rule = "an append that is dropped is in the log as a whole or not at all, and once";
    assert_eq!(stored, sent, "{rule}");
}

async fn poll_and_drop(polls: u32, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let done = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready()));
        if done.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn drop_after(delay: Duration, future: impl Future) {
    let (start, mut future) = (Instant::now(), pin!(future));
    while start.elapsed() < delay {
        let done = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready()));
        if done.await {
            return;
        }
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
}

/// The record of an event, with what the store adds as it is in this one.
fn as_sent(record: &Recorded<Bytes>, event: &NewEvent) -> Recorded<Bytes> {
    let event = event.clone();
    Recorded {
        id: event.id,
        stream: event.stream,
        event_type: event.event_type,
        version: event.version,
        tags: event.tags,
        metadata: event.metadata,
        event: event.payload,
        ..record.clone()
    }
}

/// Events whose fields each take more than one form.
fn rich_batch() -> Vec<NewEvent> {
    let plain = event("A", &[]);
    let mut full = in_stream("order-\u{1f3ab}", "order placed");
    full.version = u32::MAX;
    full.tags = super::sample_values::tag_set(&["order:7", "customer:\u{e9}", "url:https://x"]);
    full.metadata = Metadata::new().with("who", "me").and_then(|m| m.with("why", "")).unwrap();
    full.payload = vec![0, 159, 146, 150].into();
    let mut empty = event("B", &["x:1"]);
    empty.payload = "".into();
    empty.version = 2;
    vec![plain, full, empty, in_stream("order-1", "A")]
}

use bytes::Bytes;

use crate::{
    append::NewEvent,
    conformance::sample_values::{event, item},
    query::Query,
    text_rules::MAX_TEXT_BYTES,
};

pub(super) fn long_event(payload_bytes: usize) -> NewEvent {
    // Copied as a whole, for byte by byte it takes long where nothing is optimised.
    let mut payload = (0..=250).collect::<Vec<u8>>().repeat(payload_bytes.div_ceil(251));
    payload.truncate(payload_bytes);
    let mut event = event("A", &[]);
    event.payload = Bytes::from(payload);
    event
}

pub(super) fn renewed(event: &NewEvent) -> NewEvent {
    let id = crate::EventId::new();
    NewEvent { id, ..event.clone() }
}

pub(super) fn with_tags(count: usize) -> NewEvent {
    let rest = "v".repeat(MAX_TEXT_BYTES - "key0000:".len());
    let tags: Vec<_> = (0..count).map(|n| format!("key{n:04}:{rest}")).collect();
    event("A", &tags.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(super) fn with_items(count: usize) -> Query {
    let types = (0..count).map(|n| format!("T{n}"));
    Query::any_of(types.map(|name| item(&[&name], &[&format!("k:{name}")]))).unwrap()
}

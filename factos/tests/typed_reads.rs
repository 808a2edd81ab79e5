//! Reads of events, and of histories page by page.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use factos::{
    AppendCondition, ErrorKind, Event, EventPage, EventStore, EventStoreExt, EventType, NewEvent,
    PageCursor, Query, ReadOptions, Recorded, Undecodable, Unknown, decider_fn, dispatch,
};
use factos_memory::MemoryStore;

#[derive(Debug, Clone, PartialEq, Event)]
enum Ticketing {
    Sold {
        #[tag]
        show: u32,
    },
}

fn sold(show: u32) -> NewEvent {
    factos::encode(&Ticketing::Sold { show }).unwrap()
}

fn foreign() -> NewEvent {
    NewEvent::new(EventType::from_static("Paid"), "{}")
        .with_tag(factos::Tag::new("show", "1").unwrap())
}

async fn store_of(events: Vec<NewEvent>) -> MemoryStore {
    let store = MemoryStore::new();
    store.append(events, AppendCondition::None).await.unwrap();
    store
}

fn positions<E>(records: &[Recorded<E>]) -> Vec<u64> {
    records.iter().map(|record| record.position.get()).collect()
}

#[tokio::test]
async fn events_come_decoded_in_order() {
    let store = store_of(vec![sold(1), sold(2), sold(1)]).await;
    let query = || Ticketing::query().show(1);
    let sales = store.events::<Ticketing>(query(), ReadOptions::all()).await.unwrap();
    assert_eq!(sales.observed().unwrap().get(), 3);
    let sales = sales.collect().await.unwrap();
    assert_eq!(positions(&sales), [1, 3]);
    assert_eq!(sales[0].event, Ticketing::Sold { show: 1 });
    let last = ReadOptions::all().backwards().limit(1);
    let mut sales = store.events::<Ticketing>(query(), last).await.unwrap();
    assert_eq!(sales.next().await.unwrap().unwrap().position.get(), 3);
    assert!(sales.next().await.is_none());
}

#[tokio::test]
async fn unknown_types_fail_or_are_passed_over_and_counted() {
    let store = store_of(vec![sold(1), foreign(), sold(1)]).await;
    let mut events = store.events::<Ticketing>(Query::all(), ReadOptions::all()).await.unwrap();
    assert!(events.next().await.unwrap().is_ok());
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert!(matches!(error.undecodable(), Some(Undecodable::UnknownType)));
    assert!(events.next().await.is_none(), "it has ended");
    let events = store.events::<Ticketing>(&Query::all(), ReadOptions::all()).await.unwrap();
    let mut events = events.unknown(Unknown::Skip);
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        seen.push(event.unwrap());
    }
    assert_eq!((positions(&seen), events.skipped()), (vec![1, 3], 1));
}

#[tokio::test]
async fn a_known_type_that_does_not_decode_always_fails() {
    let mut broken = sold(1);
    broken.payload = "no JSON".into();
    let store = store_of(vec![broken]).await;
    let events = store.events::<Ticketing>(Query::all(), ReadOptions::all()).await.unwrap();
    let error = events.unknown(Unknown::Skip).collect().await.unwrap_err();
    assert!(matches!(error.undecodable(), Some(Undecodable::Malformed(_))));
    let page = store.page(Query::all(), PageCursor::oldest_first(), 9).await.unwrap();
    assert!(page.decode::<Ticketing>(Unknown::Skip).is_err());
}

#[tokio::test]
async fn what_only_remembers_a_command_is_no_event() {
    let store = MemoryStore::new();
    let idle = decider_fn(|| (), |(), _: &Ticketing| (), |(), (): &()| Ok::<_, ()>(vec![]));
    dispatch(&store, &idle).idempotency_key("k").remember_no_op().run(&()).await.unwrap();
    let events = store.events::<Ticketing>(Query::all(), ReadOptions::all()).await.unwrap();
    assert_eq!(events.collect().await.unwrap(), []);
    let page = store.page(Query::all(), PageCursor::oldest_first(), 9).await.unwrap();
    assert_eq!(page.decode::<Ticketing>(Unknown::Fail).unwrap().records, []);
}

#[tokio::test]
async fn an_invalid_query_is_told() {
    #[derive(Debug, Event)]
    enum Named {
        Sold {
            #[tag]
            show: String,
        },
    }
    let store = MemoryStore::new();
    let query = || Named::query().show("a\n");
    let error = store.events::<Named>(query(), ReadOptions::all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    let error = store.page(query(), PageCursor::oldest_first(), 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Argument);
    drop(Named::Sold { show: String::new() });
}

async fn pages_from(store: &MemoryStore, first: PageCursor, size: usize) -> Vec<EventPage> {
    let mut pages = Vec::new();
    let mut cursor = Some(first);
    while let Some(at) = cursor {
        // As a client hands it back.
        let at = at.to_string().parse().unwrap();
        let page = store.page(Ticketing::query().show(1), at, size).await.unwrap();
        cursor = page.next;
        pages.push(page);
    }
    pages
}

#[tokio::test]
async fn a_history_is_read_both_ways_page_by_page_without_gap_or_repeat() {
    for events in 0..8_u64 {
        let batch = (0..events).flat_map(|_| [sold(2), sold(1)]).collect::<Vec<_>>();
        let store = if batch.is_empty() { MemoryStore::new() } else { store_of(batch).await };
        let oldest: Vec<u64> = (1..=events).map(|n| n * 2).collect();
        let newest: Vec<u64> = oldest.iter().rev().copied().collect();
        for size in 1..5 {
            for (history, all) in
                [(PageCursor::oldest_first(), &oldest), (PageCursor::newest_first(), &newest)]
            {
                let pages = pages_from(&store, history, size).await;
                let seen: Vec<u64> =
                    pages.iter().flat_map(|page| positions(&page.records)).collect();
                assert_eq!(&seen, all, "{events} events, pages of {size}");
                let full = pages.iter().rev().skip(1).all(|page| page.records.len() == size);
                assert!(full && pages.len() == all.len().div_ceil(size).max(1));
                // And back again.
                assert!(pages[0].previous.is_none());
                for pair in pages.windows(2) {
                    let back = pair[1].previous.unwrap();
                    let before = store.page(Ticketing::query().show(1), back, size).await.unwrap();
                    assert_eq!(before.records, pair[0].records);
                    assert_eq!(before.next, pair[0].next);
                    assert_eq!(before.previous.is_none(), pair[0].previous.is_none());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_goes_on_past_what_came_meanwhile() {
    let store = store_of(vec![sold(1), sold(1), sold(1)]).await;
    let query = || Ticketing::query().show(1);
    let page = store.page(query(), PageCursor::newest_first(), 2).await.unwrap();
    store.append(vec![sold(1)], AppendCondition::None).await.unwrap();
    let older = store.page(query(), page.next.unwrap(), 2).await.unwrap();
    assert_eq!((positions(&page.records), positions(&older.records)), (vec![3, 2], vec![1]));
    let newer = store.page(query(), older.previous.unwrap(), 2).await.unwrap();
    assert_eq!(positions(&newer.records), [3, 2]);
    let newest = store.page(query(), newer.previous.unwrap(), 2).await.unwrap();
    assert_eq!((positions(&newest.records), newest.previous), (vec![4], None));
    let none = store.page(query(), PageCursor::oldest_first(), 0).await.unwrap();
    assert_eq!(none.records.len(), 1);
}

#[tokio::test]
async fn a_cursor_of_another_log_is_refused() {
    let (one, other) = (store_of(vec![sold(1), sold(1)]).await, store_of(vec![sold(1)]).await);
    let page = one.page(Query::all(), PageCursor::oldest_first(), 1).await.unwrap();
    let error = other.page(Query::all(), page.next.unwrap(), 1).await.unwrap_err();
    assert_eq!(error.to_string(), "the cursor belongs to another log");
    assert_eq!(error.kind(), ErrorKind::Argument);
}

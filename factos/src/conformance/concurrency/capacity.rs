use std::sync::Arc;

use bytes::Bytes;

use crate::{
    conformance::{
        fixture::Fixture,
        parallel::{at_once, handles},
        random::Random,
        sample_values::{event, item, unless},
        store_calls::{accepted, append_if, whole_log},
    },
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

const HALLS: u64 = 4;
const CAPACITY: usize = 15;

/// Capacities hold under random boundaries that overlap, and the log confirms what every accepted event
/// was decided from.
pub async fn a_capacity_is_never_exceeded<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let mut random = Random::new::<F>();
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let bookings = (0..15).map(|_| halls(&mut random)).collect();
            book_all(handles[n % 4].clone(), bookings)
        })
        .collect();
    at_once(writers).await;
    verify(&whole_log(&handles[0]).await);
}

/// Asserts that every booking was decided from all earlier bookings of its halls, and that none exceeds
/// the capacity.
pub(in crate::conformance) fn verify(log: &[Recorded<Bytes>]) {
    for (n, record) in log.iter().enumerate() {
        let (observed, seats) = decided_from(record);
        let halls: Vec<_> = record.tags.iter().collect();
        let met = |other: &&Recorded<Bytes>| halls.iter().any(|hall| other.tags.contains(hall));
        let late = log[..n].iter().filter(met).find(|r| Some(r.position) > observed);
        let taken: Vec<_> = halls.iter().map(|hall| seats_in(&log[..n], hall)).collect();
        let told = || interleaving(log, observed, record);
        assert!(late.is_none(), "accepted although a match came between{}", told());
        assert!(taken == seats, "decided from {seats:?} seats where {taken:?} are{}", told());
        assert!(taken.iter().all(|seats| *seats < CAPACITY), "one too many{}", told());
    }
}

/// The bookings from the position that the last one observed, each with what it was decided from.
fn interleaving(
    log: &[Recorded<Bytes>],
    observed: Option<SequencePosition>,
    last: &Recorded<Bytes>,
) -> String {
    let between =
        |r: &&Recorded<Bytes>| Some(r.position) >= observed && r.position <= last.position;
    let line = |record: &Recorded<Bytes>| {
        let (from, seats) = decided_from(record);
        let from = from.map_or(0, SequencePosition::get);
        let halls = record.tags.as_lines().replace('\n', " ");
        format!("\n  at {}: {halls}, decided from {from} with {seats:?}", record.position)
    };
    log.iter().filter(between).map(line).collect()
}

/// One or two halls, in order.
pub(in crate::conformance) fn halls(random: &mut Random) -> Vec<String> {
    let (one, two) = (random.within(0..=HALLS - 1), random.within(0..=HALLS - 1));
    let mut halls = vec![one, two];
    halls.sort_unstable();
    halls.dedup();
    halls.into_iter().map(|hall| format!("hall:{hall}")).collect()
}

pub(in crate::conformance) async fn book_all(
    store: Arc<dyn EventStore>,
    bookings: Vec<Vec<String>>,
) {
    for halls in bookings {
        let mut tries = 0;
        while !book(&*store, &halls).await {
            tries += 1;
            assert!(tries <= 60, "refused more often than others were accepted");
        }
    }
}

/// Whether the booking is settled: it was accepted, or there was no seat left.
async fn book(store: &dyn EventStore, halls: &[String]) -> bool {
    let items = halls.iter().map(|hall| item(&["SeatBooked"], &[hall]));
    let query = Query::any_of(items).unwrap();
    let events = store.read(&query, ReadOptions::all()).await.unwrap();
    let observed = events.observed();
    let page = events.collect().await.unwrap();
    let seats: Vec<_> = halls.iter().map(|hall| seats_in(&page, hall)).collect();
    if seats.iter().any(|seats| *seats >= CAPACITY) {
        return true;
    }
    let tags: Vec<_> = halls.iter().map(String::as_str).collect();
    let mut booked = event("SeatBooked", &tags);
    let seats: String = seats.iter().map(|seats| format!(" {seats}")).collect();
    booked.payload = format!("{}{seats}", observed.map_or(0, SequencePosition::get)).into();
    accepted(append_if(store, booked, unless(&query).after(observed)).await)
}

fn seats_in(page: &[Recorded<Bytes>], hall: &str) -> usize {
    page.iter().filter(|record| record.tags.contains(hall)).count()
}

/// The position that a booking had observed, and the seats that it had counted in each hall.
fn decided_from(record: &Recorded<Bytes>) -> (Option<SequencePosition>, Vec<usize>) {
    let text = String::from_utf8_lossy(&record.event).into_owned();
    let mut numbers = text.split(' ');
    let observed = numbers.next().unwrap().parse().unwrap();
    let seats = numbers.map(|seats| seats.parse().unwrap()).collect();
    (SequencePosition::new(observed), seats)
}

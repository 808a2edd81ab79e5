use std::sync::Arc;

use bytes::Bytes;

use crate::{
    append_error::{AppendError, Conflict},
    conformance::{
        concurrency::booking::{Booking, Observed},
        fixture::Fixture,
        pages::lines,
        parallel::{REFUSED_TOO_OFTEN, at_once, handles},
        random::Random,
        sample_values::{event, item, unless},
        store_calls::{accepted, append_if, begin, rest, whole_log},
    },
    position::SequencePosition,
    query::Query,
    read_options::ReadOptions,
    recorded::Recorded,
    store::EventStore,
};

const HALLS: u64 = 4;
pub(super) const CAPACITY: usize = 15;

const EXACT: &str = "a booking is decided from every earlier one of its halls";

/// Capacities hold under random boundaries that overlap, and the log confirms what every accepted event
/// was decided from.
pub async fn a_capacity_is_never_exceeded<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let mut random = Random::new::<F>();
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let bookings = (0..15).map(|_| halls(0, &mut random)).collect();
            book_all(handles[n % 4].clone(), n as u64, bookings)
        })
        .collect();
    at_once(writers).await;
    let log = whole_log(&handles[0]).await;
    verify(&log);
    assert!(
        meetings(&log) > 0,
        "sellers book at once, and these did one after another{}",
        lines(&log)
    );
}

/// Asserts that every booking was decided from all earlier bookings of its halls, and that none exceeds
/// the capacity.
pub(in crate::conformance) fn verify(log: &[Recorded<Bytes>]) {
    for (n, record) in log.iter().enumerate() {
        let Booking { observed, seats, .. } = Booking::of(record);
        let halls: Vec<_> = record.tags.iter().collect();
        let met = |other: &&Recorded<Bytes>| halls.iter().any(|hall| other.tags.contains(hall));
        let late = log[..n].iter().filter(met).find(|r| observed.is_before(r.position));
        let taken: Vec<_> = halls.iter().map(|hall| seats_in(&log[..n], hall)).collect();
        let told = || interleaving(log, observed, record);
        assert!(late.is_none(), "{EXACT}, and a match came between{}", told());
        assert!(taken == seats, "{EXACT}, from {seats:?} seats where {taken:?} are{}", told());
        let within = taken.iter().all(|seats| *seats < CAPACITY);
        assert!(within, "a capacity of {CAPACITY} is never exceeded{}", told());
    }
}

/// The bookings from the position that the last one observed, each with what it was decided from.
fn interleaving(log: &[Recorded<Bytes>], observed: Observed, last: &Recorded<Bytes>) -> String {
    let between =
        |r: &&Recorded<Bytes>| !observed.is_after(r.position) && r.position <= last.position;
    let line = |record: &Recorded<Bytes>| {
        let Booking { observed, seats, .. } = Booking::of(record);
        let halls = record.tags.as_lines().replace('\n', " ");
        format!("\n  at {}: {halls}, decided from {observed} with {seats:?}", record.position)
    };
    log.iter().filter(between).map(line).collect()
}

/// How many bookings met those of other sellers: there was one between what the booking was decided from
/// and the booking itself, in another hall; or in the same one, so that it was refused at first. What the same seller books meanwhile is no meeting.
pub(in crate::conformance) fn meetings(log: &[Recorded<Bytes>]) -> usize {
    let bookings: Vec<_> =
        log.iter().map(|record| (record.position, Booking::of(record))).collect();
    let met = |(n, (_, booking)): &(usize, &(SequencePosition, Booking))| {
        let between = bookings[..*n].iter().filter(|(at, _)| booking.observed.is_before(*at));
        let refused_for = bookings.iter().filter(|(at, _)| booking.refused_for.contains(&at.get()));
        between.chain(refused_for).any(|(_, other)| other.seller != booking.seller)
    };
    bookings.iter().enumerate().filter(met).count()
}

/// One or two halls of a sale, in order.
pub(in crate::conformance) fn halls(sale: u64, random: &mut Random) -> Vec<String> {
    let (one, two) = (random.within(0..=HALLS - 1), random.within(0..=HALLS - 1));
    let mut halls = vec![one, two];
    halls.sort_unstable();
    halls.dedup();
    halls.into_iter().map(|hall| format!("hall:{sale}-{hall}")).collect()
}

pub(in crate::conformance) async fn book_all(
    store: Arc<dyn EventStore>,
    seller: u64,
    bookings: Vec<Vec<String>>,
) {
    for halls in bookings {
        let mut refused_for = Vec::new();
        while let Some(position) = book(&*store, seller, &halls, &refused_for).await {
            refused_for.push(position);
            let refusals = refused_for.len();
            assert!(refusals <= 60, "{REFUSED_TOO_OFTEN}, of at most 60: {refusals} refusals");
        }
    }
}

/// The position of the booking for which this one was refused. None if it is settled: it was accepted, or there was
/// no seat left.
async fn book(
    store: &dyn EventStore,
    seller: u64,
    halls: &[String],
    refused_for: &[u64],
) -> Option<u64> {
    let items = halls.iter().map(|hall| item(&["SeatBooked"], &[hall]));
    let query = Query::any_of(items).unwrap();
    let events = begin(&store, &query, ReadOptions::all()).await;
    let observed = events.observed();
    let page = rest(events).await;
    let seats: Vec<_> = halls.iter().map(|hall| seats_in(&page, hall)).collect();
    if seats.iter().any(|seats| *seats >= CAPACITY) {
        return None;
    }
    // Lets other sellers book, as they may while a decision is made.
    tokio::task::yield_now().await;
    let tags: Vec<_> = halls.iter().map(String::as_str).collect();
    let mut booked = event("SeatBooked", &tags);
    let (after, halls, refused_for) =
        (Observed::At(observed), halls.to_vec(), refused_for.to_vec());
    let booking = Booking { seller, refused_for, observed: after, seats, halls };
    booked.payload = booking.to_text().into();
    match append_if(store, booked, unless(&query).after(observed)).await {
        Err(AppendError::Conflict(Conflict::EventsMatch { position, .. })) => Some(position.get()),
        outcome => (!accepted(outcome)).then_some(0),
    }
}

fn seats_in(page: &[Recorded<Bytes>], hall: &str) -> usize {
    page.iter().filter(|record| record.tags.contains(hall)).count()
}

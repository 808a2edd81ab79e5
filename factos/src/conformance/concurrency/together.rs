use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, future::join_all};

use crate::{
    conformance::{
        concurrency::{
            booking::{Booking, Observed},
            capacity::{CAPACITY, book_all, halls, verify},
        },
        fixture::Fixture,
        pages::lines,
        parallel::{at_once, handles, rethrown},
        random::Random,
        sample_values::item,
        store_calls::whole_log,
    },
    decider::Decider,
    dispatch::{Dispatcher, Error, Retry},
    event::Event,
    event_error::{EncodeError, Undecodable},
    event_type::EventType,
    query::Query,
    query_for::QueryFor,
    recorded::Recorded,
    schema::{Schema, TypeInfo},
    store::EventStore,
    tag::Tag,
    tags::Tags,
};

/// Capacities hold where commands are decided together and from memory, by several dispatchers on several handles,
/// beside sellers that read and append by themselves.
pub async fn commands_decided_together_exceed_no_capacity<F: Fixture>(log: F) {
    let handles = handles(&log, 4).await;
    let mut random = Random::new::<F>();
    for sale in 0.. {
        sell(sale, &handles, &mut random).await;
        let log = whole_log(&handles[0]).await;
        verify(&log);
        let changes = changes(&log);
        if changes >= CHANGES {
            break;
        }
        assert!(
            sale < SALES,
            "sellers book at once, and in {sale} sales one did after another, {changes} changes{}",
            lines(&log)
        );
    }
}

/// How often the seller changes from a booking to the next one in a log of sellers that met, and after how many sales
/// they must have.
const CHANGES: usize = 20;
const SALES: u64 = 40;

fn changes(log: &[Recorded<Bytes>]) -> usize {
    let sellers: Vec<_> = log.iter().map(|record| Booking::of(record).seller).collect();
    sellers.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Lets four sellers and four dispatchers sell at once.
async fn sell(sale: u64, handles: &[Arc<dyn EventStore>], random: &mut Random) {
    let mut halls = |count| (0..count).map(|_| halls(sale, random)).collect::<Vec<_>>();
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (store, seller) = (handles[n % 4].clone(), n as u64);
            match n {
                0..4 => book_all(store, seller, halls(6)).boxed(),
                _ => book_together(store, seller, halls(12)).boxed(),
            }
        })
        .collect();
    at_once(tasks).await;
}

/// Tries all bookings at once, through one dispatcher. Each is accepted, or there is no seat left.
pub(in crate::conformance) async fn book_together(
    store: Arc<dyn EventStore>,
    seller: u64,
    bookings: Vec<Vec<String>>,
) {
    let retry = Retry::attempts(u32::MAX);
    let office = Dispatcher::new(store, Office { seller }).retry(retry);
    let runs = bookings.into_iter().map(|halls| {
        let office = office.clone();
        tokio::spawn(async move {
            match office.run(halls).await {
                Ok(_) | Err(Error::Domain(Full)) => {}
                Err(error) => panic!(
                    "a booking is accepted, or there is no seat left, and it came to {error:?}"
                ),
            }
        })
    });
    for run in join_all(runs.collect::<Vec<_>>()).await {
        run.unwrap_or_else(rethrown);
    }
}

/// Books seats in halls, and notes what it was decided from.
struct Office {
    seller: u64,
}

#[derive(Debug)]
struct Full;

struct Booked(Booking);

impl Decider for Office {
    type Command = Vec<String>;
    type Event = Booked;
    /// The seats that are taken in each hall.
    type State = HashMap<String, usize>;
    type Error = Full;

    fn initial(&self) -> Self::State {
        HashMap::new()
    }

    fn evolve(&self, mut taken: Self::State, Booked(booking): &Booked) -> Self::State {
        for hall in &booking.halls {
            *taken.entry(hall.clone()).or_default() += 1;
        }
        taken
    }

    fn decide(&self, taken: &Self::State, halls: &Vec<String>) -> Result<Vec<Booked>, Full> {
        let seats = halls.iter().map(|hall| taken.get(hall).copied().unwrap_or_default());
        let seats: Vec<_> = seats.collect();
        if seats.iter().any(|seats| *seats >= CAPACITY) {
            return Err(Full);
        }
        let (seller, observed, halls) = (self.seller, Observed::Unknown, halls.clone());
        Ok(vec![Booked(Booking { seller, refused_for: Vec::new(), observed, seats, halls })])
    }

    fn context(&self, halls: &Vec<String>) -> QueryFor<Booked> {
        let items = halls.iter().map(|hall| item(&["SeatBooked"], &[hall]));
        QueryFor::from_query(Query::any_of(items).unwrap())
    }
}

impl Event for Booked {
    const SCHEMA: &'static Schema = &Schema::new(&[TypeInfo::new("SeatBooked", 1, "Booked")]);

    fn event_type(&self) -> EventType {
        EventType::from_static("SeatBooked")
    }

    fn version(&self) -> u32 {
        1
    }

    fn tags(&self) -> Result<Tags, EncodeError> {
        Ok(self.0.halls.iter().map(|hall| Tag::parse(hall).unwrap()).collect())
    }

    fn encode(&self) -> Result<Bytes, EncodeError> {
        Ok(self.0.to_text().into())
    }

    fn decode(_: &EventType, _: u32, payload: &[u8]) -> Result<Self, Undecodable> {
        Ok(Self(Booking::parse(&String::from_utf8_lossy(payload))))
    }
}

//! A board that shows each event as soon as it is in the log: read what there is, wait for more, and go on after
//! the position up to which the read was complete.

use factos::{Event, EventStore, EventStoreExt, Infrastructure, ReadOptions, Recorded, Unknown};

/// What the board shows.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "board.")]
pub enum Arrivals {
    /// A train arrives.
    Arrived {
        /// Where it arrives.
        #[tag]
        station: String,
        /// The train.
        train: String,
    },
}

/// Calls `show` for every arrival at a station, those of before as well, in the order of the log, each once. Ends
/// when `show` returns `false`.
///
/// # Errors
/// [`Infrastructure`]: the store fails, or an event does not decode.
pub async fn follow(
    store: &dyn EventStore,
    station: &str,
    mut show: impl FnMut(&Recorded<Arrivals>) -> bool + Send,
) -> Result<(), Infrastructure> {
    let mut seen = None;
    loop {
        let query = Arrivals::query().station(station);
        let events = store.events::<Arrivals>(query, ReadOptions::all().after(seen)).await?;
        let mut events = events.unknown(Unknown::Skip);
        // Complete up to here, also if no arrival was among it: nothing is read twice, and nothing is missed.
        let complete = events.observed();
        while let Some(arrival) = events.next().await {
            if !show(&arrival?) {
                return Ok(());
            }
        }
        seen = complete.max(seen);
        store.wait_past(seen).await?;
    }
}

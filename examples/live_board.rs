//! A board that shows each event as soon as it is in the log. It keeps nothing, and so begins with the first event.

use factos::{Event, EventStore, EventStoreExt, Recorded, SubscribeError, Unknown};

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
/// [`SubscribeError`]: the store fails, or an arrival does not decode.
pub async fn follow(
    store: &dyn EventStore,
    station: &str,
    mut show: impl FnMut(&Recorded<Arrivals>) -> bool + Send,
) -> Result<(), SubscribeError> {
    let query = Arrivals::query().station(station);
    let mut arrivals = store.subscribe(query, None).events::<Arrivals>(Unknown::Skip);
    loop {
        for arrival in arrivals.next().await?.records {
            if !show(&arrival) {
                return Ok(());
            }
        }
    }
}

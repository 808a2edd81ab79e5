use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use factos::{
    DispatchAttempt, Dispatched, Dispatcher, EventId, EventStore, EventStoreExt, Metadata, Query,
    Retry, SequencePosition, Split, dispatch, react_all,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    box_office::{BoxOffice, BuyTicket, Confirmation, SoldOut, Ticketing},
    options::Options,
    progress::Progress,
    report::{Counts, Report},
};

const SHOW: &str = "rust-conf";

/// One show is one boundary. Other processes may sell it at the same time, and of buyers who each decide alone
/// only one succeeds at a time: the last one may lose to all others.
const ATTEMPTS: u32 = 10_000;

type Purchase = Result<Dispatched<Ticketing, ()>, SoldOut>;

/// Lets every buyer try once, and counts what the log held before and holds after.
pub(crate) async fn run(
    store: &Arc<dyn EventStore>,
    options: &Options,
    location: String,
) -> anyhow::Result<Report> {
    let sale = EventId::new().to_string();
    let query = show_query()?;
    let held = recorded(store, &query).await?;
    // From the same read, as other processes may sell between two reads.
    let head = held.events.last().map(|(_, at)| *at);
    let mut counts = Counts { before: held.total, ..Counts::default() };
    let begun = Instant::now();
    let retries = Arc::new(AtomicU64::new(0));
    let sellers = Sellers::new(store, options, &sale, &retries)?;
    let mut buyers = open_doors(&sellers, options)?;
    let mut progress = Progress::of(options.buyers);
    while let Some(purchase) = buyers.join_next().await {
        let purchase = purchase.context("a buyer's task ended early")??;
        progress.serve_one();
        counts.add(&purchase);
        if let (true, Ok(sold)) = (options.verbose, &purchase) {
            react_all(&Confirmation, &sold.records).iter().for_each(|line| progress.print(line));
        }
    }
    progress.finish();
    let elapsed = begun.elapsed();
    let log = recorded(store, &query).await?;
    counts.retried = retries.load(Ordering::Relaxed);
    counts.recorded = log.total;
    counts.own = log.events.iter().filter(|(by, _)| by.as_deref() == Some(&*sale)).count() as u64;
    counts.kept = log.events.iter().filter(|(_, at)| Some(*at) <= head).count() as u64;
    Ok(Report { counts, seats: options.seats, elapsed, location })
}

fn show_query() -> anyhow::Result<Query> {
    let query: factos::QueryFor<Ticketing> = Ticketing::query().show(SHOW).into();
    Ok(query.into_query()?)
}

struct Log {
    total: u64,
    /// The sale that sold each ticket, and its position.
    events: Vec<(Option<String>, SequencePosition)>,
}

async fn recorded(store: &Arc<dyn EventStore>, query: &Query) -> anyhow::Result<Log> {
    let records = store.read_all(query).await?;
    let sale = |metadata: &Metadata| metadata.correlation_id().map(str::to_owned);
    let events: Vec<_> = records.iter().map(|r| (sale(&r.metadata), r.position)).collect();
    Ok(Log { total: events.len() as u64, events })
}

/// Every buyer is a task; `concurrency` limits how many try at a time.
fn open_doors(
    sellers: &Sellers,
    options: &Options,
) -> anyhow::Result<JoinSet<anyhow::Result<Purchase>>> {
    let doors = Arc::new(Semaphore::new(usize::try_from(options.concurrency)?));
    let mut buyers = JoinSet::new();
    for number in 1..=options.buyers {
        let (sellers, doors) = (sellers.clone(), doors.clone());
        buyers.spawn(async move {
            let _inside = doors.acquire_owned().await?;
            let command = BuyTicket { show: SHOW.to_owned(), buyer: format!("buyer-{number}") };
            sellers.sell(command).await
        });
    }
    Ok(buyers)
}

/// Sells to many buyers together, or to each alone.
#[derive(Clone)]
struct Sellers {
    dispatcher: Dispatcher<Arc<dyn EventStore>, Arc<BoxOffice>>,
    alone: bool,
    metadata: Metadata,
    retry: Retry,
    retries: Arc<AtomicU64>,
}

impl Sellers {
    fn new(
        store: &Arc<dyn EventStore>,
        options: &Options,
        sale: &str,
        retries: &Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let office = Arc::new(BoxOffice { seats: options.seats });
        let (base, max) = (Duration::from_micros(500), Duration::from_millis(20));
        Ok(Self {
            dispatcher: Dispatcher::new(Arc::clone(store), office),
            alone: options.alone,
            metadata: Metadata::new().with_correlation_id(sale)?,
            retry: Retry::attempts(ATTEMPTS).backoff(base, max, tokio::time::sleep),
            retries: Arc::clone(retries),
        })
    }

    async fn sell(self, command: BuyTicket) -> anyhow::Result<Purchase> {
        let Self { dispatcher, alone, metadata, retry, retries } = self;
        let count = move |attempt: &DispatchAttempt| {
            retries.fetch_add(u64::from(attempt.is_retried), Ordering::Relaxed);
        };
        if alone {
            let (store, office) = (dispatcher.store(), dispatcher.decider());
            let purchase = dispatch(store, office).retry(retry).metadata(metadata).observe(count);
            let sold = purchase.run(&command).await.split()?;
            return Ok(sold.map(Dispatched::without_state));
        }
        let purchase = dispatcher.dispatch().retry(retry).metadata(metadata).observe(count);
        Ok(purchase.run(command).await.split()?)
    }
}

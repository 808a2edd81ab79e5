//! A log with all who work on it: writers, followers and a projection.

use std::sync::Arc;

use factos::{Dispatcher, EventStore, EventStoreExt, Query, SequencePosition};
use factos_postgres::{Config, Mode, PostgresStore};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    audit,
    boundaries::Office,
    dispatching::Runner,
    followers::{AfterError, Followed, follow},
    ledger::{Ledger, Told},
    nodes::{pool_url, write_url},
    projection::{Model, Projection},
    pulse::Pulse,
    raw_appends::{Counters, RawWriter},
};

pub(crate) struct World {
    mode: Mode,
    pub(crate) config: Config,
    pub(crate) pulse: Arc<Pulse>,
    end: watch::Sender<Option<SequencePosition>>,
    writers: Vec<JoinHandle<Ledger>>,
    followers: Vec<JoinHandle<Followed>>,
    projection: JoinHandle<(Model, Told)>,
}

impl World {
    /// An empty log with so many writers, half of them on shared boundaries of commands.
    pub(crate) async fn start(mode: Mode, writers: usize) -> Self {
        let name = format!("log_{mode}").to_lowercase();
        let config = Config::new().schema(&name).unwrap().mode(mode);
        let first = config.clone().create(true).connect(&pool_url()).await.unwrap();
        let direct = open(&config, &write_url()).await;
        let stores = [first, direct.clone(), open(&config, &pool_url()).await];
        let (end, ended) = watch::channel(None);
        let pulse = Arc::new(Pulse::of(writers));
        let followers = [
            (stores[0].clone(), AfterError::PolledAgain),
            (direct, AfterError::MadeAnew),
            (open(&config, &pool_url()).await, AfterError::PolledAgain),
            (open(&config, &pool_url()).await, AfterError::MadeAnew),
        ];
        let store = open(&config, &pool_url()).await;
        let projection = Projection::make(&format!("models_{name}"), &pool_url(), store).await;
        let projection = tokio::spawn(projection.run(ended.clone()));
        let followers = followers
            .into_iter()
            .map(|(store, after)| tokio::spawn(follow(store, after, ended.clone())))
            .collect();
        let writers = spawn(&stores, writers, &pulse);
        Self { mode, config, pulse, end, writers, followers, projection }
    }

    /// Ends all work, and compares the log with what everybody was told and saw. It returns what that was.
    pub(crate) async fn verify(self, strays: Ledger) -> Told {
        self.pulse.end();
        let mut ledger = strays;
        for writer in self.writers {
            ledger.merge(writer.await.unwrap());
        }
        let store = open(&self.config, &pool_url()).await;
        let log = store.read_all(&Query::all()).await.unwrap();
        audit::verify(&log, &ledger);
        self.end.send(store.head().await.unwrap()).unwrap();
        let saw: Vec<_> = log.iter().map(|record| (record.position, record.id)).collect();
        for follower in self.followers {
            let followed = follower.await.unwrap();
            assert!(followed.seen == saw, "a follower saw something else than the log");
            ledger.told.merge(followed.told);
        }
        let (model, told) = self.projection.await.unwrap();
        assert_eq!(model, Model::of(&log, &audit::shows(&log)));
        ledger.told.merge(told);
        println!("{}: {} events; {}", self.mode, log.len(), ledger.told);
        ledger.told
    }
}

async fn open(config: &Config, url: &str) -> PostgresStore {
    config.clone().connect(url).await.unwrap()
}

fn spawn(stores: &[PostgresStore], writers: usize, pulse: &Arc<Pulse>) -> Vec<JoinHandle<Ledger>> {
    let dispatcher = Dispatcher::new(stores[0].clone(), Office);
    (0..writers)
        .map(|number| {
            let (store, pulse) = (stores[number / 4 % stores.len()].clone(), Arc::clone(pulse));
            let raw = |counters| RawWriter {
                number,
                store: store.clone(),
                counters,
                ledger: Ledger::default(),
            };
            match number % 4 {
                0 => {
                    let runner = Runner::Dispatch(store);
                    tokio::spawn(async move { runner.work(number, &pulse).await })
                }
                1 => {
                    let runner = Runner::Dispatcher(dispatcher.clone());
                    tokio::spawn(async move { runner.work(number, &pulse).await })
                }
                2 => {
                    let writer = raw(Counters::Shared);
                    tokio::spawn(async move { writer.work(&pulse).await })
                }
                _ => {
                    let writer = raw(Counters::Own);
                    tokio::spawn(async move { writer.work(&pulse).await })
                }
            }
        })
        .collect()
}

//! A log with all who work on it: writers, followers and a projection.

use std::{sync::Arc, time::Instant};

use factos::{Dispatcher, EventStoreExt, Page, Query};
use factos_postgres::{Config, Mode, PostgresStore};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    audit,
    boundaries::Office,
    dispatching::Runner,
    followers::{AfterError, Followed, Until},
    ledger::{Ledger, Told, WentBack},
    nodes::{pool_url, write_url},
    patience::{patience, pause},
    projection::{Model, Projection},
    pulse::Pulse,
    raw_appends::{Counters, RawWriter},
};

pub(crate) struct World {
    pub(crate) mode: Mode,
    pub(crate) config: Config,
    pub(crate) pulse: Arc<Pulse>,
    end: watch::Sender<Until>,
    /// With the handle that each works on.
    writers: Vec<(usize, JoinHandle<Ledger>)>,
    followers: Vec<JoinHandle<Followed>>,
    projection: JoinHandle<(Result<Model, WentBack>, Told)>,
}

/// What those who worked on a log were told.
pub(crate) struct Remains {
    /// By the handles of the writers.
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) followed: Vec<Followed>,
    pub(crate) projected: Told,
}

const HANDLES: usize = 3;
pub(crate) const FOLLOWERS: usize = 4;

impl World {
    /// An empty log with so many writers, half of them on shared boundaries of commands.
    pub(crate) async fn start(mode: Mode, writers: usize) -> Self {
        let config = Config::new().schema(&format!("log_{mode}")).unwrap().mode(mode);
        drop(config.clone().create(true).connect(&pool_url()).await.unwrap());
        let followed = (0..FOLLOWERS).map(|_| Followed::default()).collect();
        Self::go_on(config, mode, writers, Pulse::of(writers, FOLLOWERS + 1), followed).await
    }

    /// The log with everything opened again, from what the followers have kept.
    pub(crate) async fn go_on(
        config: Config,
        mode: Mode,
        writers: usize,
        pulse: Pulse,
        followed: Vec<Followed>,
    ) -> Self {
        let open = || open(&config, pool_url());
        let direct = || self::open(&config, write_url());
        let stores = [open().await, direct().await, open().await];
        let (end, ended) = watch::channel(Until::Told);
        let ways = [
            (stores[0].clone(), AfterError::PolledAgain),
            (direct().await, AfterError::MadeAnew),
            (open().await, AfterError::PolledAgain),
            (open().await, AfterError::MadeAnew),
        ];
        let pulse = Arc::new(pulse);
        let through = |follower| {
            let pulse = Arc::clone(&pulse);
            move |position| pulse.follow(follower, position)
        };
        let followers = ways.into_iter().zip(followed).enumerate();
        let followers = followers.map(|(number, ((store, after), followed))| {
            tokio::spawn(followed.follow(store, after, ended.clone(), through(number)))
        });
        let followers = followers.collect();
        let (store, schema) = (open().await, format!("models_{mode}"));
        let projection = Projection::of(store, &schema, &pool_url()).await;
        let projection = tokio::spawn(projection.run(ended.clone(), through(FOLLOWERS)));
        let writers = spawn(&stores, writers, &pulse);
        Self { mode, config, pulse, end, writers, followers, projection }
    }

    /// Ends all work, and compares the log with what everybody was told and saw. It returns what that was.
    pub(crate) async fn verify(mut self, strays: Ledger) -> Told {
        let ledgers = self.end_writers().await;
        let mut ledger = strays;
        ledgers.into_iter().for_each(|other| ledger.merge(other));
        let (_, log) = Self::read(&self.config).await;
        audit::verify(&log, &ledger);
        let told = self.verify_followers(&log).await;
        ledger.told.merge(told);
        assert_eq!(ledger.told.went_back, 0, "nothing was lost");
        ledger.told
    }

    /// Asserts that all who follow come to the end of the log, and have seen what is in it.
    pub(crate) async fn verify_followers(self, log: &Page) -> Told {
        let mut told = Told::default();
        self.end.send_replace(Until::Position(log.last().map(|last| last.position)));
        let saw: Vec<_> = log.iter().map(|record| (record.position, record.id)).collect();
        for follower in self.followers {
            let followed = follower.await.unwrap();
            assert!(followed.seen == saw, "a follower saw something else than the log");
            told.merge(followed.told);
        }
        let (model, projected) = self.projection.await.unwrap();
        assert_eq!(model.unwrap(), Model::of(log, &audit::shows(log)));
        told.merge(projected);
        println!("{}: {} events", self.mode, log.len());
        told
    }

    /// Ends all work where it is, and keeps what is left of it.
    pub(crate) async fn stop(mut self) -> Remains {
        let ledgers = self.end_writers().await;
        self.end.send_replace(Until::Now);
        let mut followed = Vec::new();
        for follower in self.followers {
            followed.push(follower.await.unwrap());
        }
        let (_, projected) = self.projection.await.unwrap();
        Remains { ledgers, followed, projected }
    }

    /// The ledgers, by the handles of the writers.
    pub(crate) async fn end_writers(&mut self) -> Vec<Ledger> {
        self.pulse.end();
        let mut ledgers: Vec<_> = (0..HANDLES).map(|_| Ledger::default()).collect();
        for (handle, writer) in self.writers.drain(..) {
            ledgers[handle].merge(writer.await.unwrap());
        }
        ledgers
    }

    /// Returns once every writer and follower has been told that the log went back.
    pub(crate) async fn all_have_ended(&self) {
        let since = Instant::now();
        loop {
            let working = self.working();
            if working.is_empty() {
                return;
            }
            assert!(since.elapsed() < patience(), "{}: not told yet: {working:?}", self.mode);
            pause(50).await;
        }
    }

    /// Who has not ended.
    fn working(&self) -> Vec<String> {
        let writers = self.writers.iter().enumerate().filter(|(_, (_, w))| !w.is_finished());
        let followers = self.followers.iter().enumerate().filter(|(_, f)| !f.is_finished());
        writers
            .map(|(number, (handle, _))| format!("writer {number} on handle {handle}"))
            .chain(followers.map(|(number, _)| format!("follower {number}")))
            .chain((!self.projection.is_finished()).then(|| "projection".to_owned()))
            .collect()
    }

    /// A new handle on a log, and what it shows.
    pub(crate) async fn read(config: &Config) -> (PostgresStore, Page) {
        let store = open(config, pool_url()).await;
        let log = store.read_all(&Query::all()).await.unwrap();
        (store, log)
    }
}

async fn open(config: &Config, url: String) -> PostgresStore {
    config.clone().connect(&url).await.unwrap()
}

fn spawn(
    stores: &[PostgresStore; HANDLES],
    writers: usize,
    pulse: &Arc<Pulse>,
) -> Vec<(usize, JoinHandle<Ledger>)> {
    let dispatcher = Dispatcher::new(stores[0].clone(), Office);
    let writers = (0..writers).map(|number| {
        let handle = if number % 4 == 1 { 0 } else { number / 4 % HANDLES };
        let (store, pulse) = (stores[handle].clone(), Arc::clone(pulse));
        let runner = match number % 4 {
            0 => Runner::Dispatch(store),
            1 => Runner::Dispatcher(dispatcher.clone()),
            which => {
                let counters = if which == 2 { Counters::Shared } else { Counters::Own };
                let writer = RawWriter { number, store, counters, ledger: Ledger::default() };
                return (handle, tokio::spawn(async move { writer.work(&pulse).await }));
            }
        };
        (handle, tokio::spawn(async move { runner.work(number, &pulse).await }))
    });
    writers.collect()
}

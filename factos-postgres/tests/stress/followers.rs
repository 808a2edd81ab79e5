//! Three followers, which must see every event once and in order.

use std::time::Duration;

use factos::{EventStore, Query, ReadOptions, SequencePosition};
use factos_postgres::PostgresStore;
use tokio::{sync::watch, task::JoinHandle};

/// What a follower saw, in the order that it saw it.
pub(crate) type Followed = Vec<u64>;

pub(crate) struct Followers {
    end: watch::Sender<Option<SequencePosition>>,
    tasks: Vec<JoinHandle<Followed>>,
}

impl Followers {
    /// Starts one on each of these.
    pub(crate) fn start(stores: [PostgresStore; 3]) -> Self {
        let (end, told) = watch::channel(None);
        let tasks = stores.map(|store| tokio::spawn(follow(store, told.clone()))).into();
        Self { end, tasks }
    }

    /// What each saw, after it has reached the head.
    pub(crate) async fn finish(self, head: Option<SequencePosition>) -> Vec<Followed> {
        self.end.send(head).unwrap();
        let mut followed = Vec::new();
        for task in self.tasks {
            followed.push(task.await.unwrap());
        }
        followed
    }
}

async fn follow(store: PostgresStore, end: watch::Receiver<Option<SequencePosition>>) -> Followed {
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let goal = *end.borrow();
        let options = ReadOptions::all().after(cursor);
        let events = match store.read(&Query::all(), options).await {
            Ok(events) => events,
            Err(error) if error.is_retryable() => continue,
            Err(error) => panic!("{error:?}"),
        };
        cursor = events.observed();
        seen.extend(events.collect().await.unwrap().iter().map(|record| record.position.get()));
        if goal.is_some() && cursor >= goal {
            return seen;
        }
        let nap = Duration::from_millis(10);
        drop(tokio::time::timeout(nap, store.wait_past(cursor)).await);
    }
}

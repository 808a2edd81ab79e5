//! Dispatching a command inside and outside of a task.

mod support;

use std::{rc::Rc, sync::Arc};

use factos::{Decider, Error, EventStore, decider_fn, dispatch};
use factos_memory::MemoryStore;
use support::*;

const OFFICE: BoxOffice = BoxOffice { seats: 3 };

#[tokio::test]
async fn every_kind_of_store_and_decider_can_be_spawned() {
    type Office =
        dyn Decider<Command = Buy, Event = Ticketing, State = i64, Error = SoldOut> + Send + Sync;
    let memory = MemoryStore::new();
    let shared: Arc<dyn EventStore> = Arc::new(memory.clone());
    let boxed: Box<dyn EventStore> = Box::new(memory.clone());
    let office: Arc<Office> = Arc::new(BoxOffice { seats: 9 });
    let (first, second, third) = (Arc::clone(&shared), Arc::clone(&shared), memory.clone());
    let (one, two) = (Arc::clone(&office), Arc::clone(&office));
    let tasks = [
        tokio::spawn(async move { dispatch(&third, &OFFICE).run(&buy("a", "1")).await.is_ok() }),
        tokio::spawn(async move { dispatch(&first, &*one).run(&buy("a", "2")).await.is_ok() }),
        tokio::spawn(async move { dispatch(&*second, &two).run(&buy("a", "3")).await.is_ok() }),
        tokio::spawn(async move { dispatch(&*boxed, &OFFICE).run(&buy("b", "4")).await.is_ok() }),
        tokio::spawn(async move { generic(&shared, &OFFICE, &buy("b", "5")).await }),
    ];
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(log_of(&memory).await.len(), 5);
}

async fn generic<S, D>(store: &S, decider: &D, command: &D::Command) -> bool
where
    S: EventStore + 'static,
    D: Decider + Send + Sync + 'static,
    D::Command: Send + Sync + 'static,
    D::Event: Send,
    D::State: Send,
{
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    sendable(async { dispatch(store, decider).run(command).await.is_ok() }).await
}

#[tokio::test]
async fn an_error_that_is_not_send_stays_inside_of_a_task() {
    let decider = OFFICE.map_error(Rc::new);
    let store = MemoryStore::new();
    let task = tokio::spawn(async move {
        let result = dispatch(&store, &decider).run(&buy("a", "z")).await;
        result.is_ok()
    });
    assert!(task.await.unwrap());
}

#[tokio::test]
async fn a_state_that_is_not_send_works_outside_of_a_task() {
    let decider = decider_fn(
        || Rc::new(0),
        |n: Rc<i32>, _: &Ticketing| Rc::new(*n + 1),
        |n, user: &String| {
            if **n < 2 { Ok(vec![noted(user)]) } else { Err(Rc::clone(n)) }
        },
    );
    let (store, user) = (MemoryStore::new(), "lucy".to_owned());
    for expected in 1..=2 {
        let done = dispatch(&store, &decider).run(&user).await.unwrap();
        assert_eq!(*done.state, expected);
    }
    let Err(Error::Domain(count)) = dispatch(&store, &decider).run(&user).await else {
        panic!("two were noted");
    };
    assert_eq!(*count, 2);
}

//! Commands whose appends have a hook.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use factos::{AppendError, Decider, Dispatcher, ErrorKind, Event, QueryFor, dispatch};
use factos_postgres::Mode;

use crate::log::Log;

#[derive(Debug, Event)]
enum Ticketing {
    #[event(name = "TicketSold")]
    Sold {
        #[tag]
        show: String,
    },
}

fn office() -> impl Decider<Command = String, Event = Ticketing, State = i32, Error = ()> {
    factos::decider_fn(
        || 0,
        |sold, _: &Ticketing| sold + 1,
        |_, show: &String| Ok::<_, ()>(vec![Ticketing::Sold { show: show.clone() }]),
    )
    .with_context(|_| QueryFor::all_types())
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn a_command_whose_hook_fails_is_not_tried_again() {
    let log = Log::new(Mode::Keyed).await;
    let ran = Arc::new(AtomicUsize::new(0));
    let (counted, table) = (Arc::clone(&ran), log.table());
    let hooked = log.store.with_hook(move |connection, records| {
        counted.fetch_add(1, Ordering::Relaxed);
        table.copy(connection, records)
    });
    let error = dispatch(&hooked, &office()).run(&"bad".to_owned()).await.unwrap_err();
    assert!(matches!(error, factos::Error::Append(AppendError::Hook(_))), "{error:?}");
    assert_eq!((error.kind(), ran.load(Ordering::Relaxed)), (ErrorKind::Broken, 1));
    dispatch(&hooked, &office()).run(&"good".to_owned()).await.unwrap();
    assert_eq!(log.equal().await, 1);
}

/// The commands of one batch that fails in its hook are tried one by one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: run by scripts/test"]
async fn of_commands_that_are_decided_together_one_fails_in_its_hook() {
    let log = Log::new(Mode::Keyed).await;
    let dispatcher = Arc::new(Dispatcher::new(log.copying(), office()));
    let commands: Vec<_> = (0..60)
        .map(|n| {
            let dispatcher = Arc::clone(&dispatcher);
            let show = if n % 20 == 7 { "bad".to_owned() } else { n.to_string() };
            tokio::spawn(async move { dispatcher.run(show).await.is_ok() })
        })
        .collect();
    let mut accepted = 0;
    for command in commands {
        accepted += i64::from(command.await.unwrap());
    }
    assert_eq!((accepted, log.equal().await), (57, 57));
}

use futures_util::FutureExt;

/// The output of a future that never waits.
///
/// Those of a [`WriteTransaction`](crate::WriteTransaction) never do, nor does a command that is run in one:
///
/// ```
/// # use factos::{Decider, Event, decider_fn, dispatch};
/// # use factos_sqlite::{SqliteStore, WriteError, at_once};
/// # #[derive(Debug, Event)]
/// # enum Ticketing { Sold { #[tag] show: String } }
/// # #[tokio::main]
/// # async fn main() -> Result<(), factos::Error<&'static str>> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let store = SqliteStore::open(folder.path().join("tickets.db")).await?;
/// # let office = || decider_fn(|| 0, |sold, _: &Ticketing| sold + 1, |_, show: &String| {
/// #     Ok::<_, &'static str>(vec![Ticketing::Sold { show: show.clone() }])
/// # }).with_context(|show: &String| Ticketing::query().show(show).into());
/// let log = store.clone();
/// let sold = store.write(move |tx| {
///     at_once(dispatch(&log, &office()).run_in(tx, &"rust-conf".to_owned()))
/// });
/// assert_eq!(sold.await.map_err(WriteError::into_caller)?.state, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If the future waits: within a transaction it would hold up every writer, or wait for one that waits for it.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match future.now_or_never() {
        Some(output) => output,
        None => panic!("a future that is run at once waits for something"),
    }
}

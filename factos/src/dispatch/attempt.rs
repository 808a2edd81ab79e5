use crate::{
    decider::Decider,
    dispatch::{
        boundary::Boundary, commit::commit, dispatched::Dispatched, error::Error, fold::fold,
        options::Options,
    },
    metadata::Metadata,
    store::EventStore,
};

/// Everything about one command that stays the same from attempt to attempt.
pub(super) struct Attempt<'a, S: ?Sized, D: Decider + ?Sized> {
    pub(super) store: &'a S,
    pub(super) decider: &'a D,
    pub(super) command: &'a D::Command,
    pub(super) boundary: Boundary,
    pub(super) options: Options,
    pub(super) envelope: Metadata,
}

type Outcome<D> =
    Result<Dispatched<<D as Decider>::Event, <D as Decider>::State>, Error<<D as Decider>::Error>>;

impl<S, D> Attempt<'_, S, D>
where
    S: EventStore + ?Sized,
    D: Decider + ?Sized,
{
    /// Reads, decides and appends, and tries again on a conflict or if the store was busy.
    pub(super) async fn run(&self) -> Outcome<D> {
        let mut attempts = 1;
        loop {
            match self.once().await {
                Ok(done) => return Ok(Dispatched { attempts, ..done }),
                Err(error) if error.is_retryable() && self.options.retry.admits(attempts) => {}
                Err(error) => return Err(error),
            }
            self.options.retry.pause(attempts).await;
            attempts += 1;
        }
    }

    async fn once(&self) -> Outcome<D> {
        let key = self.options.key.as_ref();
        let mut earlier = Vec::new();
        let read = fold(
            self.store,
            self.decider,
            &self.boundary,
            |record| key.is_some_and(|key| key.is_on(record)),
            &mut earlier,
        )
        .await?;
        if let Some(key) = key.filter(|_| !earlier.is_empty()) {
            key.check(&earlier, self.options.fingerprint.as_deref())?;
            return Ok(Dispatched {
                replayed: true,
                ..Dispatched::new(earlier, read.state, read.observed)
            });
        }
        let decided = self.decider.decide(&read.state, self.command);
        let events = decided.map_err(Error::Domain)?;
        if events.is_empty() {
            return Ok(Dispatched::new(Vec::new(), read.state, read.observed));
        }
        let batch = self.options.batch(&events, &self.envelope)?;
        if !self.options.outside_boundary {
            self.boundary.admit(&batch)?;
        }
        let condition = self.boundary.condition(read.observed, read.revision);
        let stored = commit(self.store, batch, condition, &self.options.retry).await?;
        let records: Vec<_> = stored
            .into_iter()
            .zip(events)
            .map(|(record, event)| record.with_event(event))
            .collect();
        let state = records
            .iter()
            .filter(|record| self.boundary.selects(record))
            .fold(read.state, |state, record| self.decider.evolve(state, &record.event));
        Ok(Dispatched::new(records, state, read.observed))
    }
}

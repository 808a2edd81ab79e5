use crate::{
    append::NewEvent,
    dispatch::terms::Terms,
    position::SequencePosition,
    query::Query,
    recorded::Recorded,
    store::EventStore,
    turns::{End, Place, turn::Turn},
};

/// The turns of a round among those that append to boundaries that overlap with its own.
pub(super) struct Rivals {
    turn: Turn,
    /// The guard of the batch that conflicted, and the position that it rested on, until the next one.
    lost: Option<(Query, Option<SequencePosition>)>,
    /// Whether others were joined for the batch that is to be decided again.
    has_joined: bool,
}

impl Rivals {
    pub(super) fn of<S: EventStore + ?Sized>(store: &S) -> Self {
        Self { turn: Turn::of(store.turns().cloned()), lost: None, has_joined: false }
    }

    /// Waits for the turns on what was joined.
    pub(super) async fn begin(&mut self) {
        self.turn.begin().await;
    }

    /// A record was read.
    pub(super) fn saw<E>(&mut self, record: &Recorded<E>) {
        if !self.turn.looks() {
            return;
        }
        // A snapshot may be older than the batch that conflicted.
        if let Some((guard, _)) =
            self.lost.as_ref().filter(|(_, after)| Some(record.position) > *after)
        {
            self.turn.lost_on(Place::parts_of(guard, &record.event_type, &record.tags));
        }
    }

    /// Joins those who compete for what a batch would write to. Whether it is to be decided again, in turn.
    pub(super) fn join(&mut self, terms: &Terms, batch: &[NewEvent]) -> bool {
        let written = || terms.guard().map(|(guard, _)| Place::written(guard, batch));
        self.has_joined = !self.has_joined && self.turn.join(|| written().unwrap_or_default());
        self.has_joined
    }

    /// The turn ended.
    pub(super) fn end(&mut self, end: End) {
        self.has_joined = false;
        self.lost = None;
        self.turn.end(end);
    }

    /// The turn ended, as the append of a batch conflicted.
    pub(super) fn lose(&mut self, terms: &Terms) {
        self.end(End::Lost);
        if let Some((guard, after)) = terms.guard() {
            self.turn.lose(|| Place::of(guard));
            self.lost = Some((guard.clone(), after));
        }
    }
}

use tokio::{sync::watch, time::Instant};

/// Why a worker is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The lease is to be given back after the step in hand.
    GiveBack,
    /// The lease is another process's.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct State {
    stop: Option<Stop>,
    /// Until when nobody else can have the lease.
    valid_until: Instant,
    /// Counts how often parked events have become due.
    due: u64,
}

/// What a worker is told while it works.
#[derive(Debug, Clone)]
pub(crate) struct Orders {
    state: watch::Receiver<State>,
    due_seen: u64,
}

/// What tells a worker.
#[derive(Debug)]
pub(crate) struct OrdersSender(watch::Sender<State>);

impl OrdersSender {
    pub(crate) fn new(valid_until: Instant) -> (Self, Orders) {
        let (sender, state) = watch::channel(State { stop: None, valid_until, due: 0 });
        (Self(sender), Orders { state, due_seen: 0 })
    }

    pub(crate) fn stop(&self, stop: Stop) {
        self.0.send_modify(|state| {
            // A lease that is lost stays so.
            if state.stop != Some(Stop::Lost) {
                state.stop = Some(stop);
            }
        });
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.borrow().stop.is_some()
    }

    /// The lease was renewed. A worker is not woken for that.
    pub(crate) fn renewed(&self, valid_until: Instant) {
        self.0.send_if_modified(|state| {
            state.valid_until = valid_until;
            false
        });
    }

    /// A parked event has become due.
    pub(crate) fn due(&self) {
        self.0.send_modify(|state| state.due += 1);
    }
}

impl Orders {
    pub(crate) fn stop(&self) -> Option<Stop> {
        self.state.borrow().stop
    }

    /// Whether nobody else can have the lease by now.
    pub(crate) fn holds_lease(&self) -> bool {
        let state = self.state.borrow();
        state.stop != Some(Stop::Lost) && Instant::now() < state.valid_until
    }

    /// Waits for other orders. A run that is gone has given none.
    pub(crate) async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether parked events have become due since it was asked last.
    pub(crate) fn take_due(&mut self) -> bool {
        let due = self.state.borrow().due;
        std::mem::replace(&mut self.due_seen, due) != due
    }
}

//! What the consumer of a case does in the transaction of a step.

use std::{error::Error, marker::PhantomData, panic::resume_unwind, sync::Arc};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::fixture::PortFixture;
use crate::port::{Port, Work};

/// Work, which can be begun anew if a call fails as retryable.
#[derive(Clone, Default)]
pub(super) struct Script {
    rows: Vec<String>,
    gate: Option<Gate>,
    end: End,
}

#[derive(Clone, Copy, Default)]
enum End {
    #[default]
    Well,
    Fails(&'static str),
    Panics(&'static str),
    PanicsAtOnce(&'static str),
}

impl Script {
    pub(super) fn writes(row: impl Into<String>) -> Self {
        Self { rows: vec![row.into()], ..Self::default() }
    }

    /// Waits at the gate, after it has written.
    pub(super) fn waits_at(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    pub(super) fn fails(mut self, why: &'static str) -> Self {
        self.end = End::Fails(why);
        self
    }

    pub(super) fn panics(mut self, why: &'static str) -> Self {
        self.end = End::Panics(why);
        self
    }

    /// Panics before there is a future, and so before it writes.
    pub(super) fn panics_at_once(mut self, why: &'static str) -> Self {
        self.end = End::PanicsAtOnce(why);
        self
    }

    /// The work of it, for a port.
    pub(super) fn work<F: PortFixture>(self) -> Box<dyn Work<<F::Port as Port>::Tx>> {
        Box::new(Play::<F>(self, PhantomData))
    }
}

struct Play<F>(Script, PhantomData<fn() -> F>);

impl<F: PortFixture> Work<<F::Port as Port>::Tx> for Play<F> {
    fn run<'t>(
        self: Box<Self>,
        tx: &'t mut <F::Port as Port>::Tx,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        if let End::PanicsAtOnce(why) = self.0.end {
            resume_unwind(Box::new(why));
        }
        Box::pin(async move {
            for row in &self.0.rows {
                F::write(tx, row).await?;
            }
            match &self.0.gate {
                Some(gate) if F::WORK_MAY_WAIT => gate.pass().await,
                Some(gate) => gate.hold_up(),
                None => {}
            }
            match self.0.end {
                End::Fails(why) => Err(why.into()),
                // Without a message on the console, unlike `panic!`.
                End::Panics(why) => resume_unwind(Box::new(why)),
                End::Well | End::PanicsAtOnce(_) => Ok(()),
            }
        })
    }
}

/// Where work waits while its transaction is open, until the case lets it go on.
#[derive(Clone)]
pub(super) struct Gate(Arc<Doors>);

struct Doors {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(super) fn closed() -> Self {
        Self(Arc::new(Doors {
            reached: watch::Sender::new(false),
            open: watch::Sender::new(false),
        }))
    }

    /// Ends once work has come here.
    pub(super) async fn reached(&self) {
        let _ = self.0.reached.subscribe().wait_for(|reached| *reached).await;
    }

    pub(super) fn open(&self) {
        self.0.open.send_replace(true);
    }

    pub(super) fn is_open(&self) -> bool {
        *self.0.open.borrow()
    }

    /// Holds up the thread until it is open.
    fn hold_up(&self) {
        self.0.reached.send_replace(true);
        while !self.is_open() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    async fn pass(&self) {
        self.0.reached.send_replace(true);
        let _ = self.0.open.subscribe().wait_for(|open| *open).await;
    }
}

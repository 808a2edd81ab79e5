//! A log of any fixture, so that the cases are compiled once and not again for each fixture.

use std::{cell::Cell, fmt};

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture};

use super::fixture::{Fault, Fixture, Settings};
use crate::store::EventStore;

thread_local! {
    static OF_THIS_THREAD: Cell<Option<Kind>> = const { Cell::new(None) };
}

/// The type of a fixture, as a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    settings: Settings,
    fresh: fn() -> BoxFuture<'static, AnyLog>,
}

impl Kind {
    pub(super) fn of<F: Fixture>() -> Self {
        let fresh = || F::fresh().map(|log| AnyLog(Box::new(log))).boxed();
        Self { settings: F::settings(), fresh }
    }

    pub(super) const fn settings(&self) -> Settings {
        self.settings
    }

    /// From now on, this thread works for a case on logs of this kind.
    pub(super) fn adopt(self) {
        OF_THIS_THREAD.set(Some(self));
    }

    fn of_this_thread() -> Self {
        OF_THIS_THREAD.get().expect("a thread of a case on any log")
    }
}

/// A log of the kind that the case of this thread runs on.
pub(super) struct AnyLog(Box<dyn Log>);

impl Fixture for AnyLog {
    type Store = Box<dyn EventStore>;

    async fn fresh() -> Self {
        (Kind::of_this_thread().fresh)().await
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.inject(fault).await
    }

    async fn heal(&self, fault: Fault) {
        self.0.heal(fault).await;
    }

    async fn connect(&self) -> Box<dyn EventStore> {
        self.0.connect().await
    }

    async fn flushes(&self) -> Option<u64> {
        self.0.flushes().await
    }

    fn settings() -> Settings {
        Kind::of_this_thread().settings
    }
}

impl fmt::Debug for AnyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyLog").finish_non_exhaustive()
    }
}

#[async_trait]
trait Log: Send + Sync {
    async fn inject(&self, fault: Fault) -> bool;
    async fn heal(&self, fault: Fault);
    async fn connect(&self) -> Box<dyn EventStore>;
    async fn flushes(&self) -> Option<u64>;
}

#[async_trait]
impl<F: Fixture> Log for F {
    async fn inject(&self, fault: Fault) -> bool {
        Fixture::inject(self, fault).await
    }

    async fn heal(&self, fault: Fault) {
        Fixture::heal(self, fault).await;
    }

    async fn connect(&self) -> Box<dyn EventStore> {
        Box::new(Fixture::connect(self).await)
    }

    async fn flushes(&self) -> Option<u64> {
        Fixture::flushes(self).await
    }
}

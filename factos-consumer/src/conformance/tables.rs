use std::fmt;

use futures_util::future::BoxFuture;

use super::{fixture::PortFixture, handle::Handle, progress::Progress};

/// The tables that a case runs on, whatever the port.
pub struct Tables {
    fixture: Box<dyn AnyFixture>,
    another: fn(Progress) -> BoxFuture<'static, Self>,
    progress: Progress,
    pub(super) model_cases: u32,
    pub(super) seed: Option<u64>,
}

impl Tables {
    pub(super) fn fresh<F: PortFixture>(progress: Progress) -> BoxFuture<'static, Self> {
        Box::pin(async move {
            Self {
                fixture: Box::new(OfFixture(F::fresh().await)),
                another: Self::fresh::<F>,
                progress,
                model_cases: F::MODEL_CASES,
                seed: F::SEED,
            }
        })
    }

    /// Other tables, fresh ones.
    pub(super) async fn another(&self) -> Self {
        (self.another)(self.progress.clone()).await
    }

    /// Another handle on the tables.
    pub(super) async fn connect(&self) -> Handle {
        self.fixture.connect(self.progress.clone()).await
    }

    /// Several handles on the tables.
    pub(super) async fn handles<const COUNT: usize>(&self) -> [Handle; COUNT] {
        let mut handles = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            handles.push(self.connect().await);
        }
        let mut handles = handles.into_iter();
        std::array::from_fn(|_| handles.next().unwrap())
    }

    /// The committed rows of the fixture's own table.
    pub(super) async fn rows(&self) -> Vec<String> {
        self.fixture.rows().await
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

trait AnyFixture: Send + Sync {
    fn connect(&self, progress: Progress) -> BoxFuture<'_, Handle>;

    fn rows(&self) -> BoxFuture<'_, Vec<String>>;
}

struct OfFixture<F>(F);

impl<F: PortFixture> AnyFixture for OfFixture<F> {
    fn connect(&self, progress: Progress) -> BoxFuture<'_, Handle> {
        Box::pin(async { Handle::new::<F>(self.0.connect().await, progress) })
    }

    fn rows(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(self.0.rows())
    }
}

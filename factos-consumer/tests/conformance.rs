//! The suite, on the port in memory.

use std::error::Error;

use factos_consumer::conformance::PortFixture;
use factos_memory::{MemoryConsumers, MemoryTransaction};
use futures_util::future::BoxFuture;

struct Memory(MemoryConsumers);

impl PortFixture for Memory {
    type Port = MemoryConsumers;

    const MODEL_CASES: u32 = 60;

    async fn fresh() -> Self {
        Self(MemoryConsumers::new())
    }

    async fn connect(&self) -> MemoryConsumers {
        self.0.clone()
    }

    fn write<'t>(
        tx: &'t mut MemoryTransaction,
        row: &'t str,
    ) -> BoxFuture<'t, Result<(), Box<dyn Error + Send + Sync>>> {
        tx.model::<Vec<String>>().push(row.to_owned());
        Box::pin(async { Ok(()) })
    }

    async fn rows(&self) -> Vec<String> {
        self.0.model().await
    }
}

factos_consumer::conformance!(Memory);

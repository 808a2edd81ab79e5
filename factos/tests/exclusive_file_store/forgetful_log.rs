//! A store that keeps every rule while its handle is open, and nothing afterwards.

use factos::conformance::Fixture;
use factos_memory::MemoryStore;

pub(crate) struct ForgetfulLog;

impl Fixture for ForgetfulLog {
    type Store = MemoryStore;

    async fn fresh() -> Self {
        Self
    }

    async fn connect(&self) -> MemoryStore {
        MemoryStore::new()
    }

    async fn flushes(&self) -> Option<u64> {
        Some(0)
    }
}

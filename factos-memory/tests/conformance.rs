//! The suite, on the store and through the pointers that applications hold it by.

use factos::conformance::{Boxed, Fixture, Shared};
use factos_memory::MemoryStore;

struct Memory(MemoryStore);

impl Fixture for Memory {
    type Store = MemoryStore;

    const LIMITS: Option<factos::Limits> = Some(MemoryStore::LIMITS);

    const MODEL_CASES: u32 = 2_000;

    async fn fresh() -> Self {
        Self(MemoryStore::new())
    }

    async fn connect(&self) -> MemoryStore {
        self.0.clone()
    }
}

macro_rules! suite {
    ($fixture:ty) => {
        factos::conformance!($fixture, decline { reopening: "gone with its last handle" });
    };
}

suite!(Memory);

mod behind_an_arc {
    use super::*;

    suite!(Shared<Memory>);
}

mod in_a_box {
    use super::*;

    suite!(Boxed<Memory>);
}

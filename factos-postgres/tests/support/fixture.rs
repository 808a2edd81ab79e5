//! A log of its own for each case of the suite, dropped with its last handle.

use std::{mem::ManuallyDrop, sync::Arc};

use factos::conformance::{Fixture, ProcessFixture};
use factos_postgres::Mode;

use crate::{handle::Handle, support::Schema};

pub(crate) type Keyed = Log<true>;
pub(crate) type Portable = Log<false>;

pub(crate) struct Log<const KEYED: bool>(Arc<Schema>);

impl<const KEYED: bool> Log<KEYED> {
    const MODE: Mode = if KEYED { Mode::Keyed } else { Mode::Portable };
}

impl<const KEYED: bool> Fixture for Log<KEYED> {
    type Store = Handle;

    const LIMITS: Option<factos::Limits> = Some(factos_postgres::PostgresStore::LIMITS);

    async fn fresh() -> Self {
        Self(Arc::new(Schema::new(Self::MODE).await))
    }

    async fn connect(&self) -> Handle {
        Handle::new(self.0.open().await, Some(&self.0))
    }
}

impl<const KEYED: bool> ProcessFixture for Log<KEYED> {
    fn address(&self) -> String {
        self.0.name.clone()
    }

    async fn reach(address: &str) -> Handle {
        // The process that made the schema drops it.
        let schema = ManuallyDrop::new(Schema { name: address.to_owned(), mode: Self::MODE });
        Handle::new(schema.open().await, None)
    }
}

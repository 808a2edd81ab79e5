use factos_consumer::port::{ConsumerId, ConsumerState, PortError, Resize, Succession};
use sqlx::PgConnection;

use super::{
    condition::EQ,
    literal::Text,
    row::Read,
    statement::{execute, fetch},
    tables::Tables,
};

/// A version, as its row says.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: ConsumerId,
    pub(super) state: ConsumerState,
    pub(super) succession: Succession,
    pub(super) resize: Option<Resize>,
}

/// All versions of a name, locked until the end of the transaction.
#[derive(Debug)]
pub(super) struct Versions(Vec<Version>);

impl Versions {
    /// Locks them. Rows are never removed, so that two calls that find any have one in common, and wait for one another;
    /// but for a name that has none.
    pub(super) async fn lock(
        connection: &mut PgConnection,
        tables: &Tables,
        name: &str,
    ) -> Result<Self, PortError> {
        let lock = format!(
            "SELECT FROM {} c WHERE c.name {EQ} {} ORDER BY c.version FOR UPDATE",
            tables.consumer,
            Text(name)
        );
        loop {
            let locked = execute(connection, lock.clone()).await?;
            // What was inserted while the lock was waited for is not among what was locked. If nothing was, all of them
            // were inserted meanwhile, and are locked now.
            let versions = Self::read(connection, tables, name).await?;
            if locked > 0 || versions.0.is_empty() {
                return Ok(versions);
            }
        }
    }

    /// The versions as they are by now, which are locked.
    pub(super) async fn read(
        connection: &mut PgConnection,
        tables: &Tables,
        name: &str,
    ) -> Result<Self, PortError> {
        let (consumer, name) = (&tables.consumer, Text(name));
        let sql = format!(
            "SELECT c.name, c.version, c.state, c.succession, c.resize_to, c.resize_until
             FROM {consumer} c WHERE c.name {EQ} {name} ORDER BY c.version"
        );
        let rows = fetch(connection, sql).await?;
        rows.iter()
            .map(|row| Version::read(Read::new(row, "a consumer")))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn get(&self, id: &ConsumerId) -> Result<&Version, PortError> {
        let found = self.0.iter().find(|version| version.id == *id);
        found.ok_or_else(|| PortError::Unknown(id.clone()))
    }

    /// An error if one is of another kind than a version that is to be registered.
    pub(super) fn check_kind(
        &self,
        id: &ConsumerId,
        succession: Succession,
    ) -> Result<(), PortError> {
        match self.iter().find(|version| version.succession != succession) {
            None => Ok(()),
            Some(other) => {
                let (consumer, kept) = (id.clone(), other.id.clone());
                Err(PortError::OtherKind { consumer, succession, kept })
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        self.0.iter()
    }

    pub(super) fn live(&self) -> Option<&Version> {
        self.0.iter().find(|version| version.state == ConsumerState::Live)
    }
}

impl Version {
    fn read(row: Read<'_>) -> Result<Self, PortError> {
        Ok(Self {
            id: row.consumer()?,
            state: row.state()?,
            succession: row.succession()?,
            resize: row.resize()?,
        })
    }
}

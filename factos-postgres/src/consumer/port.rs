use std::{sync::Arc, time::Duration};

use factos::StoreErrorKind;
use factos_consumer::port::{
    Beat, ConsumerId, ConsumerRow, ConsumerState, Decision, Grant, Parked, ParkedCount,
    ParkedQuery, PartitionId, Port, PortError, ProcessId, Registration, Selection, Snapshot, Step,
    Token, Work,
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, raw_sql};

use super::{
    beat::{self, Heard},
    decision::Decide,
    guard::{Failing, Guard},
    lease::{Acquire, Acquired, Leave, Release, Renew, Report, renew},
    migration::Migration,
    parked::{CountParked, ReadParked},
    register::Register,
    row::ReadConsumers,
    session::{Begin, Operation, Session, end, run},
    statement::{failed, is_locked},
    step::MakeStep,
    steps::Steps,
    succession::{Finish, Promote, Retire},
    tables::Tables,
};
use crate::config::InvalidSchemaName;

/// A name of which something is ready again each time is looked at so often.
const TRIES: u32 = 3;

/// Where consumers keep what they must not forget: in tables of a PostgreSQL database, which may be another one than the
/// log's.
///
/// A consumer writes its read model through the [`PgConnection`] of the transaction that moves it on. It must not end
/// that: a COMMIT fails, and after either a COMMIT or a ROLLBACK the step fails. What it writes after it has ended the
/// transaction is not undone.
///
/// ```no_run
/// # async fn example(pool: factos_postgres::sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// use factos_postgres::PostgresConsumers;
///
/// let port = PostgresConsumers::new(pool, "shop")?;
/// port.migrate().await?;
/// # Ok(())
/// # }
/// ```
///
/// Each call is a transaction of its own on a connection of the pool, `READ COMMITTED` and `READ WRITE` whatever the role,
/// the database or the pool have as defaults. Nothing is prepared and nothing is left in a session, so that a pooler may
/// give every transaction to another one. A call waits for a lock for up to 5 s and is then an error of the kind
/// [`Busy`](factos::ErrorKind::Busy), but for one with work, which waits as the pool's connections do. A client that
/// stops in the middle of a transaction is cut off after a minute, or as `idle_in_transaction_session_timeout` says.
#[derive(Debug, Clone)]
pub struct PostgresConsumers {
    pool: PgPool,
    tables: Arc<Tables>,
    steps: Steps,
}

impl PostgresConsumers {
    /// The tables `factos_consumer` and `factos_consumer_partition`, `_process`, `_parked` and `_format` in a schema that
    /// is there.
    ///
    /// # Errors
    /// [`InvalidSchemaName`], as [`Config::schema`](crate::Config::schema) says.
    pub fn new(pool: PgPool, schema: &str) -> Result<Self, InvalidSchemaName> {
        let tables = Arc::new(Tables::in_schema(schema)?);
        Ok(Self { pool, tables, steps: Steps::default() })
    }

    /// The SQL that makes the tables, for an application's own migration tool. It runs once, in one transaction.
    #[must_use]
    pub fn sql(&self) -> String {
        self.tables.sql()
    }

    /// Makes the tables if they are not there. Safe to call each time, and from several processes at once.
    ///
    /// # Errors
    /// [`PortError::Format`] if another version has made them, and [`PortError::Database`].
    pub async fn migrate(&self) -> Result<(), PortError> {
        run(&self.pool, &self.tables, Migration).await
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Output, PortError> {
        run(&self.pool, &self.tables, operation).await
    }

    /// Runs the statements of a beat.
    async fn ask(&self, beat: &Beat) -> Result<Heard, PortError> {
        let sql = AssertSqlSafe(beat::sql(beat, &self.tables));
        let mut session = Session::of(&self.pool).await?;
        let rows = raw_sql(sql).fetch_all(session.connection()?).await;
        // What failed the server has rolled back, and nothing is open.
        let is_at_rest =
            rows.as_ref().err().is_none_or(|error| error.as_database_error().is_some());
        session.done(is_at_rest);
        beat::heard(beat, &rows.map_err(failed)?)
    }

    /// Runs an operation and then the work, in one transaction.
    async fn run_with_work<O: Operation<Output = ()>>(
        &self,
        operation: O,
        work: Box<dyn Work<PgConnection>>,
        step: Option<&Step>,
    ) -> Result<(), PortError> {
        let under_way = step.map(|step| self.steps.begin(&step.partition, step.token));
        let (guard, tables) = (Guard::new(), &*self.tables);
        let mut session = Session::of(&self.pool).await?;
        let mut transaction = session.begin(Begin::Patient, Some(&guard)).await?;
        let outcome = async {
            operation.run(&mut transaction, tables).await?;
            guard.run(&mut transaction, work).await?;
            if let Some((step, lease)) = step.zip(under_way.and_then(|step| step.asked())) {
                renew(&mut transaction, tables, &step.partition, step.token, lease).await?;
            }
            Ok(())
        };
        let outcome = outcome.await;
        let (mut outcome, mut is_at_rest) = end(transaction, outcome).await;
        if session.is_in_transaction() {
            // It was a savepoint of the work's that was released.
            is_at_rest = false;
            outcome = outcome.and_then(|()| Err(Failing::LeftTransactionOpen.into()));
        }
        session.done(is_at_rest);
        outcome
    }
}

impl Port for PostgresConsumers {
    type Tx = PgConnection;

    async fn register(&self, registration: &Registration) -> Result<ConsumerState, PortError> {
        self.run(Register(registration)).await
    }

    async fn beat(&self, beat: &Beat) -> Result<Snapshot, PortError> {
        let mut heard = self.ask(beat).await?;
        if !heard.ready.is_empty() {
            for name in &heard.ready {
                unless_busy(self.run(Finish(name)).await)?;
            }
            heard = self.ask(beat).await?;
        }
        for (partition, token) in std::mem::take(&mut heard.locked) {
            if self.steps.renew(&partition, token, beat.lease) {
                continue;
            }
            let renew = Renew { partition: &partition, token, lease: beat.lease };
            if unless_busy(self.run(renew).await)? == Some(false) {
                heard.lost.push(partition);
            }
        }
        Ok(heard.into_snapshot())
    }

    async fn acquire(
        &self,
        process: &ProcessId,
        partition: &PartitionId,
        lease: Duration,
    ) -> Result<Option<Grant>, PortError> {
        for _ in 0..TRIES {
            match self.run(Acquire { process, partition, lease }).await {
                Ok(Acquired::Granted(grant)) => return Ok(Some(*grant)),
                Ok(Acquired::NotFree) => break,
                Ok(Acquired::IsReady) => self.run(Finish(&partition.consumer.name)).await?,
                // A step goes on beyond its lease.
                Err(error) if is_locked(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn release(&self, partition: &PartitionId, token: Token) -> Result<(), PortError> {
        self.run(Release(partition, token)).await
    }

    async fn leave(&self, process: &ProcessId) -> Result<(), PortError> {
        self.run(Leave(process)).await
    }

    async fn commit(
        &self,
        step: Step,
        work: Option<Box<dyn Work<PgConnection>>>,
    ) -> Result<(), PortError> {
        match work {
            Some(work) => self.run_with_work(MakeStep(&step), work, Some(&step)).await,
            None => self.run(MakeStep(&step)).await,
        }
    }

    async fn report(
        &self,
        partition: &PartitionId,
        token: Token,
        error: &str,
    ) -> Result<(), PortError> {
        self.run(Report { partition, token, error }).await
    }

    async fn consumers(&self) -> Result<Vec<ConsumerRow>, PortError> {
        self.run(ReadConsumers).await
    }

    async fn parked(&self, query: &ParkedQuery, most: u32) -> Result<Vec<Parked>, PortError> {
        self.run(ReadParked { query, most }).await
    }

    async fn count_parked(&self, consumer: &ConsumerId) -> Result<ParkedCount, PortError> {
        self.run(CountParked(consumer)).await
    }

    async fn decide(
        &self,
        consumer: &ConsumerId,
        selection: &Selection,
        decision: &Decision,
    ) -> Result<u64, PortError> {
        self.run(Decide { consumer, selection, decision }).await
    }

    async fn promote(
        &self,
        consumer: &ConsumerId,
        work: Option<Box<dyn Work<PgConnection>>>,
    ) -> Result<(), PortError> {
        match work {
            Some(work) => self.run_with_work(Promote(consumer), work, None).await,
            None => self.run(Promote(consumer)).await,
        }
    }

    async fn retire(&self, consumer: &ConsumerId) -> Result<(), PortError> {
        self.run(Retire(consumer)).await
    }
}

/// Nothing, if somebody has kept a lock for too long.
fn unless_busy<T>(outcome: Result<T, PortError>) -> Result<Option<T>, PortError> {
    match outcome {
        Err(PortError::Database(error)) if error.kind() == StoreErrorKind::Busy => Ok(None),
        outcome => outcome.map(Some),
    }
}

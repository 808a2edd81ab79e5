use factos_postgres::sqlx::{Connection, PgConnection, query_scalar};
use tokio::runtime::Runtime;

use crate::{cluster::Cluster, support::at_length, switch::Switch};

/// Every handle has a pool of its own.
const MOST_CONNECTIONS: usize = 600;

/// A primary and its synchronous standby, behind one address.
pub(crate) struct Pair {
    runtime: Runtime,
    switch: Switch,
    primary: Cluster,
    standby: Cluster,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let primary = Cluster::start_for(MOST_CONNECTIONS);
        let standby = primary.replicate();
        // From now on a commit is told only once the standby has it as well.
        primary.set("synchronous_standby_names = 'walreceiver'\n");
        primary.reload();
        let switch = runtime.block_on(Switch::to(primary.port()));
        let pair = Self { runtime, switch, primary, standby };
        pair.is_synchronous();
        pair
    }

    pub(crate) fn url(&self) -> String {
        self.switch.url()
    }

    /// The primary is lost, the standby takes its place, and gets a standby of its own.
    pub(crate) fn fail_over(&mut self) {
        self.primary.crash();
        self.standby.set("synchronous_standby_names = 'walreceiver'\n");
        self.standby.reload();
        self.standby.promote();
        self.switch.lead_to(self.standby.port());
        let next = self.standby.replicate();
        self.primary = std::mem::replace(&mut self.standby, next);
        self.is_synchronous();
    }

    /// Waits until the standby counts.
    fn is_synchronous(&self) {
        let states = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        self.runtime.block_on(at_length("the standby becomes synchronous", || async {
            let mut connection = PgConnection::connect(&self.primary.url()).await.unwrap();
            query_scalar::<_, i64>(states).fetch_one(&mut connection).await.unwrap() == 1
        }));
    }
}

//! A server whose write-ahead log is kept, for a restore to any moment.

use factos_postgres::sqlx::{Connection, PgConnection, query_scalar};

use crate::{
    cluster::{Cluster, give_to_owner},
    support::at_length,
};

/// How a moment is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    Name,
    Time,
    Transaction,
}

pub(crate) struct Archive {
    server: Cluster,
}

impl Archive {
    pub(crate) fn start() -> Self {
        let server = Cluster::start_new();
        let folder = server.path("archive");
        std::fs::create_dir(&folder).unwrap();
        give_to_owner(folder.as_ref());
        server.crash();
        server.set(&format!("archive_mode = on\narchive_command = 'cp %p {folder}/%f'\n"));
        server.start();
        Self { server }
    }

    pub(crate) const fn server(&self) -> &Cluster {
        &self.server
    }

    /// The setting that says that a recovery ends now.
    pub(crate) async fn target(&self, moment: Moment) -> String {
        let (setting, value) = match moment {
            Moment::Name => {
                self.ask("SELECT pg_create_restore_point('moment')::text").await;
                ("name", "moment".to_owned())
            }
            Moment::Time => ("time", self.ask("SELECT clock_timestamp()::text").await),
            Moment::Transaction => ("xid", self.ask("SELECT pg_current_xact_id()::text").await),
        };
        format!("recovery_target_{setting} = '{value}'\n")
    }

    /// Waits until all that was written is in the archive.
    pub(crate) async fn complete(&self) {
        let last = self.ask("SELECT pg_walfile_name(pg_switch_wal())").await;
        at_length("the archive is complete", || async {
            let archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver";
            self.ask(archived).await >= last
        })
        .await;
    }

    /// Starts a backup, which is a primary once it has recovered to the moment.
    pub(crate) async fn recover(&self, backup: &Cluster, target: &str) {
        let folder = self.server.path("archive");
        backup.set(&format!(
            "archive_mode = off\nrestore_command = 'cp {folder}/%f %p'\n\
             recovery_target_action = promote\n{target}"
        ));
        backup.start_recovery();
        at_length("the recovery ends", || async {
            let mut connection = PgConnection::connect(&backup.url()).await.unwrap();
            query_scalar("SELECT NOT pg_is_in_recovery()").fetch_one(&mut connection).await.unwrap()
        })
        .await;
    }

    async fn ask(&self, sql: &'static str) -> String {
        let mut connection = PgConnection::connect(&self.server.url()).await.unwrap();
        query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }
}

//! `pg_upgrade` of a server.

use factos_postgres::sqlx::{Connection, PgConnection, query_as};

use crate::cluster::Cluster;

/// Ends a server, and starts a newer one with its data.
pub(crate) async fn upgrade(from: &Cluster) -> Cluster {
    let settings = "SELECT current_setting('data_checksums') = 'on', version()";
    let mut connection = PgConnection::connect(&from.url()).await.unwrap();
    let (has_checksums, version): (bool, String) =
        query_as(settings).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    println!("from {version}");
    from.shut_down();
    let to = Cluster::upgraded(from, has_checksums);
    let mut connection = PgConnection::connect(&to.url()).await.unwrap();
    let (_, version): (bool, String) = query_as(settings).fetch_one(&mut connection).await.unwrap();
    println!("to {version}");
    to
}

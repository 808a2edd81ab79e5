//! Encrypted connections.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use factos::StoreErrorKind;
use factos_postgres::{Error, PostgresStore};
use support::cause;

#[cfg(feature = "tls")]
#[path = "support/cluster.rs"]
mod cluster;

#[cfg(feature = "tls")]
mod with_tls {
    use std::error::Error as _;

    use factos::{EventStore, EventStoreExt, Query};
    use factos_postgres::{Config, sqlx};

    use super::*;
    use crate::{
        cluster::Cluster,
        support::{of_show, sold, unless_sold},
    };

    async fn is_encrypted(store: &PostgresStore) -> bool {
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        sqlx::query_scalar(sql).fetch_one(store.pool()).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs a PostgreSQL server: run by scripts/test"]
    async fn a_server_with_a_trusted_certificate_is_used_encrypted() {
        let cluster = Cluster::start_encrypted();
        let url = cluster.url();
        let trusted = format!("sslmode=verify-full&sslrootcert={}", cluster.path("ca.crt"));
        for (options, encrypted) in
            [("sslmode=disable", false), ("sslmode=require", true), (&*trusted, true)]
        {
            let store =
                Config::new().create(true).connect(&format!("{url}?{options}")).await.unwrap();
            assert_eq!(is_encrypted(&store).await, encrypted, "{options}");
            let show = options.split('&').next().unwrap().to_owned();
            let written = store.append(vec![sold(&show)], unless_sold(&show)).await.unwrap();
            assert_eq!(store.read_all(&of_show(&show)).await.unwrap(), written);
        }
        let store = PostgresStore::connect(&url).await.unwrap();
        assert!(is_encrypted(&store).await, "encryption is preferred");
        assert_eq!(store.read_all(&Query::all()).await.unwrap().len(), 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs a PostgreSQL server: run by scripts/test"]
    async fn a_certificate_of_a_stranger_is_told() {
        let cluster = Cluster::start_encrypted();
        let url = cluster.url();
        let stranger = cluster.path("stranger.crt");
        let wrong = format!("{url}?sslmode=verify-full&sslrootcert={stranger}");
        let error = PostgresStore::connect(&wrong).await.unwrap_err();
        assert!(matches!(cause(&error), Error::Encryption(_)), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Other);
        let reason = cause(&error).source().unwrap().to_string();
        assert!(reason.contains("invalid peer certificate: UnknownIssuer"), "{reason}");
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs a PostgreSQL server: run by scripts/test"]
    async fn a_server_without_encryption_is_told() {
        let cluster = Cluster::start_new();
        let url = format!("{}?sslmode=require", cluster.url());
        let error = PostgresStore::connect(&url).await.unwrap_err();
        assert!(matches!(cause(&error), Error::Encryption(_)), "{error:?}");
        let reason = cause(&error).source().unwrap().to_string();
        assert!(reason.contains("server does not support TLS"), "{reason}");
    }
}

/// The server need not answer: the driver refuses first.
#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn without_the_feature_it_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("postgres://a@127.0.0.1:{port}/postgres?sslmode={mode}");
        let error = PostgresStore::connect(&url).await.unwrap_err();
        assert!(matches!(cause(&error), Error::NoEncryption), "{error:?}");
        assert_eq!(error.kind(), StoreErrorKind::Other);
        assert_eq!(
            error.to_string(),
            "encrypted connections need the feature `tls` of factos-postgres"
        );
    }
}

//! A PgBouncer before a server.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
};

use crate::{
    cluster::{as_owner, give_to_owner},
    support::{eventually, port::Port},
};

pub(crate) struct Pooler {
    process: Child,
    port: Port,
    _folder: tempfile::TempDir,
}

/// For how long a client has a connection of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolMode {
    Session,
    Transaction,
}

impl Pooler {
    /// Before the server at this port of the same machine, to which it has so many connections at most.
    pub(crate) async fn before(server: u16, mode: PoolMode, connections: u32) -> Self {
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        let folder = tempfile::Builder::new().prefix("factos-pooler-").tempdir().unwrap();
        let port = Port::reserve();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=tester\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = {mode}\nmax_client_conn = 100\ndefault_pool_size = {connections}\n\
             server_login_retry = 0.2\nignore_startup_parameters = extra_float_digits\n",
            port.number()
        );
        std::fs::write(path("pooler.ini"), settings).unwrap();
        give_to_owner(folder.path());
        give_to_owner(Path::new(&path("pooler.ini")));
        let mut command = as_owner(Path::new("pgbouncer"));
        command.args(["-q", &path("pooler.ini")]).stdin(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|_| {
            panic!("PgBouncer is missing: install the package pgbouncer, as scripts/test does")
        });
        eventually("PgBouncer answers", || async {
            TcpStream::connect(("127.0.0.1", port.number())).is_ok()
        })
        .await;
        Self { process, port, _folder: folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port.number())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop((self.process.kill(), self.process.wait()));
    }
}

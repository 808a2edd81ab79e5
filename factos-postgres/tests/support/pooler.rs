//! A PgBouncer in session mode before a server.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

pub(crate) struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Pooler {
    /// Before the server at this port of the same machine.
    pub(crate) async fn before(server: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("factos-pooler-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=tester\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = session\nmax_client_conn = 100\ndefault_pool_size = 50\n\
             server_login_retry = 0.2\nignore_startup_parameters = extra_float_digits\n"
        );
        std::fs::write(path("pooler.ini"), settings).unwrap();
        let process = command(&path("pooler.ini"), folder.path()).spawn().unwrap_or_else(|_| {
            panic!("PgBouncer is missing: install the package pgbouncer, as scripts/test does")
        });
        let pooler = Self { process, port, _folder: folder };
        pooler.answers().await;
        pooler
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port)
    }

    async fn answers(&self) {
        for _ in 0..1000 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("PgBouncer does not start");
    }
}

/// It refuses to run as root.
fn command(settings: &str, folder: &std::path::Path) -> Command {
    let mut command = Command::new("setpriv");
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    if is_root {
        let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap();
        assert!(owned.success());
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]);
    } else {
        command.arg("--");
    }
    command.args(["pgbouncer", "-q", settings]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop((self.process.kill(), self.process.wait()));
    }
}

//! A server for one test, which may stop, start and copy it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    env,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

/// As `max_connections` of the server; a superuser may use them all.
pub(crate) const MOST_CONNECTIONS: usize = 60;

/// The program, to be run somewhere else than beside the test.
type Elsewhere = Box<dyn Fn(&Command) -> Command + Send + Sync>;

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
    most_connections: usize,
    elsewhere: Option<Elsewhere>,
}

impl Cluster {
    /// Starts an empty server.
    pub(crate) fn start_new() -> Self {
        Self::start_for(MOST_CONNECTIONS)
    }

    /// Starts an empty server that takes so many connections.
    pub(crate) fn start_for(most_connections: usize) -> Self {
        let cluster = Self::reserve(most_connections);
        cluster.init(&[]);
        cluster.start();
        cluster
    }

    /// A place for a server that runs elsewhere; it is neither made nor started.
    pub(crate) fn reserve_elsewhere(elsewhere: impl FnOnce(&Self) -> Elsewhere) -> Self {
        let mut cluster = Self::reserve(MOST_CONNECTIONS);
        cluster.elsewhere = Some(elsewhere(&cluster));
        cluster
    }

    /// Makes the data of an empty server.
    pub(crate) fn init(&self, arguments: &[&str]) {
        let data = self.data();
        let all = ["-D", &data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
        self.program("initdb", &[&all, arguments].concat());
        self.configure();
    }

    /// Starts a server that offers encryption, with a certificate of an authority that is made for it.
    pub(crate) fn start_encrypted() -> Self {
        let cluster = Self::start_new();
        cluster.authority("ca");
        cluster.authority("stranger");
        cluster.openssl(
            "req -new -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server",
        );
        std::fs::write(cluster.path("names"), "subjectAltName = IP:127.0.0.1\n").unwrap();
        cluster.openssl(
            "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
        );
        cluster.change_owner("server.key");
        cluster.crash();
        cluster.set(&format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            cluster.path("server.crt"),
            cluster.path("server.key")
        ));
        cluster.start();
        cluster
    }

    /// Starts a streaming replica.
    pub(crate) fn replicate(&self) -> Self {
        let replica = Self::reserve(self.most_connections);
        let port = self.port.to_string();
        let arguments = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "tester",
            "-D",
            &replica.data(),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ];
        replica.program("pg_basebackup", &arguments);
        replica.configure();
        replica.start();
        replica
    }

    /// A copy of the data as a base backup keeps it; it is not started.
    pub(crate) fn back_up(&self) -> Self {
        let copy = Self::reserve(self.most_connections);
        let port = self.port.to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "tester", "-D", &copy.data()];
        copy.program("pg_basebackup", &[&arguments[..], &["-X", "stream", "-c", "fast"]].concat());
        copy.configure();
        copy
    }

    /// Ends the recovery of a replica: it is a primary when this returns.
    pub(crate) fn promote(&self) {
        self.program("pg_ctl", &["promote", "-w", "-s", "-D", &self.data()]);
    }

    /// A replica receives nothing any more.
    pub(crate) fn stop_receiving(&self) {
        self.set("primary_conninfo = ''\n");
        self.reload();
    }

    /// The settings take effect, as far as they can without a restart.
    pub(crate) fn reload(&self) {
        self.program("pg_ctl", &["reload", "-s", "-D", &self.data()]);
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) fn start(&self) {
        let log = self.path("log");
        self.program("pg_ctl", &["start", "-w", "-s", "-D", &self.data(), "-l", &log]);
    }

    /// Ends every connection at once, as a crash does.
    pub(crate) fn crash(&self) {
        self.program("pg_ctl", &["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()]);
    }

    /// The same, whether or not the server has ended by itself.
    pub(crate) fn end(&self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()]);
        drop(stop.output());
    }

    fn reserve(most_connections: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("factos-cluster-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port, most_connections, elsewhere: None };
        cluster.change_owner(".");
        cluster
    }

    /// The certificate of an authority, made as `name.crt`.
    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.crt -days 2 -subj /CN={name}"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let command = command.args(arguments.split(' ')).current_dir(self.folder.path());
        let Ok(output) = command.output() else {
            panic!("openssl is missing: it makes the certificates of this test");
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn change_owner(&self, name: &str) {
        give_to_owner(Path::new(&self.path(name)));
    }

    fn configure(&self) {
        self.set(&self.settings());
    }

    fn settings(&self) -> String {
        format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             shared_buffers = 16MB\nmax_connections = {}\n",
            self.port,
            self.folder.path().display(),
            self.most_connections
        )
    }

    /// Takes effect with the next start, or reload.
    pub(crate) fn set(&self, settings: &str) {
        let path = Path::new(&self.data()).join("postgresql.auto.conf");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, before + settings).unwrap();
    }

    fn data(&self) -> String {
        self.path("data")
    }

    /// The path of a file beside the data.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a program of the server, as another user if this one is root.
    fn program(&self, name: &str, arguments: &[&str]) {
        let mut command = self.command(name);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, name: &str) -> Command {
        let mut command = as_owner(&bin().join(name));
        if let Some(elsewhere) = &self.elsewhere {
            command = elsewhere(&command);
        }
        // A server that runs on must not hold the output of the test open.
        command.current_dir(self.folder.path()).stdin(std::process::Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

fn bin() -> PathBuf {
    let Some(bin) = env::var_os("FACTOS_POSTGRES_BIN") else {
        panic!("FACTOS_POSTGRES_BIN is not set: run this test through scripts/with-postgres");
    };
    bin.into()
}

/// A program, run as another user if this one is root, which servers refuse.
pub(crate) fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner(), "--regid", owner(), "--clear-groups", "--"]).arg(program);
    command
}

/// Lets that user have a file.
pub(crate) fn give_to_owner(path: &Path) {
    if is_root() {
        let owned = Command::new("chown").arg(owner()).arg(path).status().unwrap();
        assert!(owned.success());
    }
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// That user.
pub(crate) fn owner() -> &'static str {
    "postgres"
}

//! A server for one test, which may stop, start and copy it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::port::Port;

/// As `max_connections` of the server; a superuser may use them all.
pub(crate) const MOST_CONNECTIONS: usize = 60;

/// The program, to be run somewhere else than beside the test.
type Elsewhere = Box<dyn Fn(&Command) -> Command + Send + Sync>;

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    /// The folder of the programs.
    programs: PathBuf,
    port: Port,
    most_connections: usize,
    elsewhere: Option<Elsewhere>,
}

impl Cluster {
    /// Starts an empty server.
    pub(crate) fn start_new() -> Self {
        Self::start_for(MOST_CONNECTIONS)
    }

    /// Starts an empty server of the newest version that is there.
    pub(crate) fn start_newest() -> Self {
        Self::reserve_newest(MOST_CONNECTIONS).started_empty()
    }

    /// Starts an empty server that takes so many connections.
    pub(crate) fn start_for(most_connections: usize) -> Self {
        Self::reserve(most_connections).started_empty()
    }

    fn started_empty(self) -> Self {
        self.init(&[]);
        self.start();
        self
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
        let port = self.port().to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "tester", "-D", &replica.data()];
        replica
            .program("pg_basebackup", &[&arguments[..], &["-X", "stream", "-c", "fast"]].concat());
        replica.configure();
        // A newer pg_basebackup would write options that an older server does not know.
        let primary = format!("host=127.0.0.1 port={port} user=tester");
        replica.set(&format!("primary_conninfo = '{primary}'\n"));
        replica.signal("standby");
        replica.start();
        replica
    }

    /// A copy of the data as a base backup keeps it; it is not started.
    pub(crate) fn back_up(&self) -> Self {
        let copy = Self::reserve(self.most_connections);
        let port = self.port().to_string();
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "tester", "-D", &copy.data()];
        copy.program("pg_basebackup", &[&arguments[..], &["-X", "stream", "-c", "fast"]].concat());
        copy.configure();
        copy
    }

    /// Starts a backup, which first recovers as its settings say.
    pub(crate) fn start_recovery(&self) {
        self.signal("recovery");
        self.start();
    }

    /// A newer server with the data of one that was shut down.
    pub(crate) fn upgraded(from: &Self, has_checksums: bool) -> Self {
        let to = Self::reserve_newest(from.most_connections);
        let is_default = to.major_version() < 18;
        to.init(match has_checksums {
            true => &["--data-checksums"],
            false if is_default => &[],
            false => &["--no-data-checksums"],
        });
        let ports = [from.port().to_string(), to.port().to_string()];
        let data = [from.data(), to.data()];
        let arguments =
            ["-U", "tester", "-b", from.programs(), "-B", to.programs(), "-d", &data[0]];
        let more = ["-D", &data[1], "-p", &ports[0], "-P", &ports[1], "-s", &to.path(".")];
        to.program("pg_upgrade", &[arguments, more].concat());
        to.start();
        to
    }

    fn major_version(&self) -> u32 {
        let output =
            Command::new(self.programs.join("postgres")).arg("--version").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let number = text.split(' ').next_back().unwrap();
        number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    /// Tells a server that is started next how it recovers.
    fn signal(&self, name: &str) {
        let path = Path::new(&self.data()).join(format!("{name}.signal"));
        std::fs::write(&path, "").unwrap();
        give_to_owner(&path);
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
        self.port.number()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://tester@127.0.0.1:{}/postgres", self.port())
    }

    pub(crate) fn start(&self) {
        let log = self.path("log");
        let arguments = ["start", "-w", "-s", "-D", &self.data(), "-l", &log];
        if let Err(told) = self.run("pg_ctl", &arguments) {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            panic!("{told}\nThe log of the server:\n{log}");
        }
    }

    /// Ends every connection at once, as a crash does.
    pub(crate) fn crash(&self) {
        self.program("pg_ctl", &["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()]);
    }

    /// Ends the server when it has written everything to its data.
    pub(crate) fn shut_down(&self) {
        self.program("pg_ctl", &["stop", "-w", "-s", "-m", "fast", "-D", &self.data()]);
    }

    /// The same, whether or not the server has ended by itself.
    pub(crate) fn end(&self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()]);
        drop(stop.output());
    }

    fn reserve(most_connections: usize) -> Self {
        Self::reserve_of(
            programs("FACTOS_POSTGRES_BIN").expect(
                "FACTOS_POSTGRES_BIN is not set: run this test through scripts/with-postgres",
            ),
            most_connections,
        )
    }

    fn reserve_newest(most_connections: usize) -> Self {
        match programs("FACTOS_POSTGRES_NEWEST") {
            Some(programs) => Self::reserve_of(programs, most_connections),
            None => Self::reserve(most_connections),
        }
    }

    fn reserve_of(programs: PathBuf, most_connections: usize) -> Self {
        let folder = tempfile::Builder::new().prefix("factos-cluster-").tempdir().unwrap();
        let cluster =
            Self { folder, programs, port: Port::reserve(), most_connections, elsewhere: None };
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
            self.port(),
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

    /// The folder of the programs.
    pub(crate) fn programs(&self) -> &str {
        self.programs.to_str().unwrap()
    }

    /// The path of a file beside the data.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a program of the server, as another user if this one is root.
    fn program(&self, name: &str, arguments: &[&str]) {
        self.run(name, arguments).unwrap_or_else(|told| panic!("{told}"));
    }

    /// The same; what a program that failed has printed.
    fn run(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let output = self.command(name).args(arguments).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("{name}: {}", String::from_utf8_lossy(&told))),
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = as_owner(&self.programs.join(name));
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

/// The folder of programs that the environment names.
fn programs(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from)
}

/// A program, run as another user if this one is root, which servers refuse.
pub(crate) fn as_owner(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &owner(), "--regid", &group(), "--clear-groups", "--"]).arg(program);
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
pub(crate) fn owner() -> String {
    env::var("FACTOS_POSTGRES_OWNER").unwrap_or_else(|_| "postgres".to_owned())
}

fn group() -> String {
    let output = Command::new("id").args(["-gn", &owner()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

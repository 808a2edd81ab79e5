//! A small disk for the server of one test: a file system of its own, in a mount namespace that it shares with
//! nobody else.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::cluster::{is_root, owner};

/// The disk is gone with this.
pub(crate) struct SmallDisk {
    path: PathBuf,
    /// Keeps the namespace.
    holder: Child,
}

impl SmallDisk {
    /// A disk of so many kilobytes, seen at this path by the programs that run [beside](Self::beside) it.
    pub(crate) fn mount(path: &Path, kilobytes: u32) -> Self {
        std::fs::create_dir(path).unwrap();
        let mut command = Command::new("unshare");
        let mut user = "0".to_owned();
        if is_root() {
            user = owner();
        } else {
            command.arg("--map-root-user");
        }
        let script = format!(
            "mount -t tmpfs -o size={kilobytes}k,mode=700,uid=$(id -u {user}) none '{}' && \
             echo mounted && exec sleep infinity",
            path.display()
        );
        command.args(["--mount", "sh", "-c", &script]);
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let disk = Self { path: path.to_owned(), holder };
        assert_eq!(line, "mounted\n", "this machine allows no mount namespaces");
        disk
    }

    /// Gives the disk another size.
    pub(crate) fn resize(&self, kilobytes: u32) {
        let mut mount = self.enter();
        let size = format!("remount,size={kilobytes}k");
        let resized = mount.args(["mount", "-o", &size]).arg(&self.path).status().unwrap();
        assert!(resized.success());
    }

    /// The program, where it sees the disk.
    pub(crate) fn beside(&self, program: &Command) -> Command {
        let mut command = self.enter();
        if !is_root() {
            // Servers refuse the user that is root of the namespace.
            command.args(["unshare", "--user", "--map-user=1000", "--map-group=1000"]);
        }
        command.arg(program.get_program()).args(program.get_args());
        command
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--");
        command
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

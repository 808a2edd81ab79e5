//! The files of a log, and which of them this process may not use.

use std::path::{Path, PathBuf};

/// The path of a file that SQLite keeps beside the log.
pub(crate) fn side_file(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The first of the folder, the log and the files beside it that this process may not write to.
#[cfg(unix)]
pub(crate) fn unwritable(path: &Path) -> Option<PathBuf> {
    use rustix::fs::{Access, access};

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = ["", "-wal", "-shm"].map(|suffix| side_file(path, suffix));
    let mut all = folder.map(Path::to_owned).into_iter().chain(beside);
    all.find(|file| file.exists() && access(file, Access::READ_OK | Access::WRITE_OK).is_err())
}

#[cfg(not(unix))]
pub(crate) fn unwritable(_: &Path) -> Option<PathBuf> {
    None
}

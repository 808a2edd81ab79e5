//! Which file stands at a path. A file that is open may be renamed or unlinked, and another one put in its
//! place: what is written then is in a file that nobody finds.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
};

use crate::files::side_file;

/// The file itself, and what SQLite keeps beside it while it is open.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of an open log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity(Vec<(PathBuf, Option<Id>)>);

#[cfg(unix)]
type Id = (u64, u64);

/// Elsewhere a file that is open can be neither renamed nor replaced.
#[cfg(not(unix))]
type Id = ();

impl FileIdentity {
    /// Those that stand at the path now. A file that is not there is not expected there later: a log that is
    /// read as it is has none beside it.
    pub(crate) fn of(path: &Path) -> Self {
        let files = SUFFIXES.map(|suffix| side_file(path, suffix));
        Self(files.map(|path| (path.clone(), id_at(&path))).into())
    }

    /// The log's own file only.
    pub(crate) fn main(path: &Path) -> Self {
        Self(vec![(path.to_owned(), id_at(path))])
    }

    /// The path where another file stands by now, or none.
    pub(crate) fn replaced(&self) -> Option<&Path> {
        self.0.iter().find(|file| is_replaced(file)).map(|(path, _)| path.as_path())
    }

    /// Whether another file stands at the path of the log itself by now, or none.
    pub(crate) fn is_main_replaced(&self) -> bool {
        self.0.first().is_some_and(is_replaced)
    }
}

fn is_replaced((path, known): &(PathBuf, Option<Id>)) -> bool {
    known.is_some() && id_at(path) != *known
}

fn id_at(path: &Path) -> Option<Id> {
    path.metadata().ok().map(|file| id(&file))
}

#[cfg(unix)]
fn id(file: &Metadata) -> Id {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

#[cfg(not(unix))]
const fn id(_: &Metadata) -> Id {}

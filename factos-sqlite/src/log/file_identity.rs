//! Which file stands at a path. A file that is open may be renamed or unlinked, and another one put in its
//! place: what is written then is in a file that nobody finds.

use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::files::side_file;

/// The file itself, and what SQLite keeps beside it while it is open.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Two changes of a folder within this time may have the same time of change: the clock of most file systems
/// goes by ticks of a few milliseconds, and that of some by seconds.
const TICK: Duration = Duration::from_millis(100);
const COARSE_TICK: Duration = Duration::from_secs(3);

/// The files of an open log.
#[derive(Debug)]
pub(crate) struct FileIdentity {
    files: Vec<(PathBuf, Option<Id>)>,
    /// The folder of all of them, unless the path is a link to another one.
    folder: Option<PathBuf>,
    /// The folder as it was when the files were looked at last.
    seen: Mutex<Option<Folder>>,
}

#[cfg(unix)]
type Id = (u64, u64);

/// Elsewhere a file that is open can be neither renamed nor replaced.
#[cfg(not(unix))]
type Id = ();

/// A folder at some moment. As long as it stays so, no name in it leads to another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Folder {
    id: Id,
    changed: SystemTime,
}

impl FileIdentity {
    /// Those that stand at the path now. A file that is not there is not expected there later: a log that is
    /// read as it is has none beside it.
    pub(crate) fn of(path: &Path) -> Self {
        // SQLite keeps its files beside the file that a link leads to.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let [_, sides @ ..] = SUFFIXES.map(|suffix| side_file(&real, suffix));
        let mut identity = Self::main(path);
        identity.files.extend(sides.map(|path| (path.clone(), id_at(&path))));
        let is_link = path.symlink_metadata().is_ok_and(|file| file.is_symlink());
        identity.folder = path.parent().filter(|_| !is_link).map(Path::to_owned);
        identity
    }

    /// The log's own file only.
    pub(crate) fn main(path: &Path) -> Self {
        let files = vec![(path.to_owned(), id_at(path))];
        Self { files, folder: None, seen: Mutex::default() }
    }

    /// The path where another file stands by now, or none.
    pub(crate) fn replaced(&self) -> Option<&Path> {
        let folder = self.folder.as_deref().and_then(Folder::at);
        if folder.is_some() && folder == *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            return None;
        }
        let replaced = self.files.iter().find(|file| is_replaced(file));
        if replaced.is_none() {
            let settled = folder.filter(Folder::is_settled);
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = settled;
        }
        replaced.map(|(path, _)| path.as_path())
    }
}

impl Folder {
    fn at(path: &Path) -> Option<Self> {
        let folder = path.metadata().ok()?;
        Some(Self { id: id(&folder), changed: folder.modified().ok()? })
    }

    /// Whether a further change would show.
    fn is_settled(&self) -> bool {
        let since = self.changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let tick = if since.subsec_nanos() == 0 { COARSE_TICK } else { TICK };
        self.changed.elapsed().is_ok_and(|elapsed| elapsed > tick)
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

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, thread};

    use super::*;

    /// Whether or not the folder was looked at shortly before.
    #[test]
    fn a_change_shows_at_once() {
        for pause in [Duration::ZERO, 2 * TICK] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let other = folder.path().join("other");
            fs::write(&path, "").unwrap();
            fs::write(side_file(&path, "-wal"), "").unwrap();
            let files = FileIdentity::of(&path);
            assert_eq!(files.replaced(), None);
            thread::sleep(pause);
            assert_eq!(files.replaced(), None);
            fs::write(&other, "").unwrap();
            assert_eq!(files.replaced(), None);
            fs::rename(&other, &path).unwrap();
            assert_eq!(files.replaced(), Some(path.as_path()));
            assert_eq!(files.replaced(), Some(path.as_path()));
        }
    }

    #[test]
    fn a_folder_that_is_renamed_shows() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        let path = folder.join("log");
        fs::create_dir(&folder).unwrap();
        fs::write(&path, "").unwrap();
        let files = FileIdentity::of(&path);
        thread::sleep(2 * TICK);
        assert_eq!(files.replaced(), None);
        fs::rename(&folder, parent.path().join("elsewhere")).unwrap();
        fs::create_dir(&folder).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(files.replaced(), Some(path.as_path()));
    }

    #[test]
    fn a_link_that_leads_elsewhere_shows() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, link] = ["one", "two", "link"].map(|name| folder.path().join(name));
        fs::write(&one, "").unwrap();
        fs::write(&two, "").unwrap();
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let files = FileIdentity::of(&link);
        thread::sleep(2 * TICK);
        assert_eq!(files.replaced(), None);
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&two, &link).unwrap();
        assert_eq!(files.replaced(), Some(link.as_path()));
    }
}

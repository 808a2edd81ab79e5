//! Which file stands at a path. A file that is open may be renamed or unlinked, and another one put in its
//! place: what is written then is in a file that nobody finds.

use std::{
    fs::{File, Metadata},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use crate::files::side_file;

/// The file itself, and what SQLite keeps beside it while it is open.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// Two changes of a folder within this time may have the same time of change: the clock of most file systems
/// goes by ticks of a few milliseconds, and that of some by seconds.
const TICK: Duration = Duration::from_millis(100);
const COARSE_TICK: Duration = Duration::from_secs(3);

/// How long the path is taken to lead to the same folder. A folder above it may be renamed, and nothing in
/// this one shows it.
const PATH_TRUSTED: Duration = Duration::from_millis(100);

/// The files of an open log.
#[derive(Debug)]
pub(crate) struct FileIdentity {
    files: Vec<(PathBuf, Option<Id>)>,
    /// The folder of all of them, unless the path is a link to another one.
    folder: Option<OpenFolder>,
    /// When the files were looked at last.
    seen: Mutex<Option<Seen>>,
}

/// A folder that is open: what it became is asked for without a walk along its path, in half of the time.
#[derive(Debug)]
struct OpenFolder {
    path: PathBuf,
    handle: File,
}

/// A look at the files that found them in place.
#[derive(Debug, Clone, Copy)]
struct Seen {
    folder: Stamp,
    at: Instant,
}

#[cfg(unix)]
type Id = (u64, u64);

/// Elsewhere a file that is open can be neither renamed nor replaced.
#[cfg(not(unix))]
type Id = ();

/// A folder or a file at some moment. As long as a folder stays so, no name in it leads to another file; and as long as a
/// file does, nothing is written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
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
        identity.folder = path.parent().filter(|_| !is_link).and_then(OpenFolder::at);
        identity
    }

    /// The log's own file only.
    pub(crate) fn main(path: &Path) -> Self {
        let files = vec![(path.to_owned(), id_at(path))];
        Self { files, folder: None, seen: Mutex::default() }
    }

    /// The path where another file stands by now, or none. A rename of a folder above may show only after
    /// [`PATH_TRUSTED`].
    pub(crate) fn replaced(&self) -> Option<&Path> {
        let seen = self.seen().filter(|seen| seen.at.elapsed() < PATH_TRUSTED);
        let is_unchanged = seen.is_some_and(|seen| {
            self.folder.as_ref().and_then(OpenFolder::opened) == Some(seen.folder)
        });
        if is_unchanged { None } else { self.replaced_at_path() }
    }

    /// The same by a walk along the path: whatever changed shows.
    pub(crate) fn replaced_at_path(&self) -> Option<&Path> {
        let folder = self.folder.as_ref().and_then(OpenFolder::at_path);
        let is_unchanged = folder.is_some() && folder == self.seen().map(|seen| seen.folder);
        let is_replaced = |file: &&(PathBuf, Option<Id>)| !is_unchanged && is_replaced(file);
        let replaced = self.files.iter().find(is_replaced).map(|(path, _)| path.as_path());
        let settled = folder.filter(|folder| replaced.is_none() && folder.is_settled());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            settled.map(|folder| Seen { folder, at: Instant::now() });
        replaced
    }

    fn seen(&self) -> Option<Seen> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenFolder {
    fn at(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), handle: File::open(path).ok()? })
    }

    /// The folder that was opened, wherever it is by now.
    fn opened(&self) -> Option<Stamp> {
        self.handle.metadata().ok().and_then(|folder| Stamp::of(&folder))
    }

    /// The folder that the path leads to, which may be another one by now.
    fn at_path(&self) -> Option<Stamp> {
        Stamp::at(&self.path)
    }
}

impl Stamp {
    /// That of the file or the folder at a path, none if there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        path.metadata().ok().and_then(|file| Self::of(&file))
    }

    #[cfg(unix)]
    fn of(folder: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        // Nobody can set this time, and a rename of the folder changes it as well.
        let seconds = Duration::from_secs(folder.ctime().try_into().ok()?);
        let rest = Duration::from_nanos(folder.ctime_nsec().try_into().ok()?);
        Some(Self { id: id(folder), changed: SystemTime::UNIX_EPOCH.checked_add(seconds + rest)? })
    }

    #[cfg(not(unix))]
    fn of(folder: &Metadata) -> Option<Self> {
        Some(Self { id: id(folder), changed: folder.modified().ok()? })
    }

    /// Whether a further change would show.
    pub(super) fn is_settled(&self) -> bool {
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

    /// At once by a walk along the path, else when that is made again.
    #[test]
    fn a_folder_above_that_is_renamed_shows() {
        let parent = tempfile::tempdir().unwrap();
        let [above, elsewhere] = ["above", "elsewhere"].map(|name| parent.path().join(name));
        let path = above.join("folder").join("log");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let files = FileIdentity::of(&path);
        thread::sleep(2 * TICK);
        for is_later in [false, true] {
            assert_eq!(files.replaced(), None);
            fs::rename(&above, &elsewhere).unwrap();
            if is_later {
                thread::sleep(2 * PATH_TRUSTED);
                assert_eq!(files.replaced(), Some(path.as_path()));
            }
            assert_eq!(files.replaced_at_path(), Some(path.as_path()));
            assert_eq!(files.replaced(), Some(path.as_path()));
            fs::rename(&elsewhere, &above).unwrap();
        }
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

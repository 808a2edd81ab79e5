//! Whether anybody has written to a log since it was looked at, told by its files: a follower of a log in which nothing
//! happens need not ask SQLite.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use factos::SequencePosition;

use super::file_identity::Stamp;
use crate::files::side_file;

/// For how long the files are trusted. After that SQLite is asked, whatever they say.
const TRUSTED: Duration = Duration::from_secs(1);

/// What the last look has found, and how the files were before.
#[derive(Debug)]
pub(crate) struct LastLook {
    folder: PathBuf,
    write_ahead_log: PathBuf,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    head: Option<SequencePosition>,
    stamps: [Stamp; 2],
    at: Instant,
}

impl LastLook {
    pub(crate) fn at(path: &Path) -> Self {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = real.parent().map(Path::to_owned).unwrap_or_default();
        Self { folder, write_ahead_log: side_file(&real, "-wal"), seen: None }
    }

    /// The last position: that of the last look if nothing was written since, else as `look` finds it.
    pub(crate) fn head<E>(
        &mut self,
        look: impl FnOnce() -> Result<Option<SequencePosition>, E>,
    ) -> Result<Option<SequencePosition>, E> {
        // Before the look: what is written meanwhile is found by the next one.
        let stamps = self.stamps();
        match &self.seen {
            Some(seen) if Some(seen.stamps) == stamps && seen.at.elapsed() < TRUSTED => {
                return Ok(seen.head);
            }
            _ => self.seen = None,
        }
        let at = Instant::now();
        let head = look()?;
        self.seen = stamps.map(|stamps| Seen { head, stamps, at });
        Ok(head)
    }

    /// Those after which a further change would show. Elsewhere the time of a file that is open tells nothing.
    fn stamps(&self) -> Option<[Stamp; 2]> {
        let stamp = |path: &Path| Stamp::at(path).filter(|stamp| cfg!(unix) && stamp.is_settled());
        Some([stamp(&self.folder)?, stamp(&self.write_ahead_log)?])
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{cell::Cell, fs, thread};

    use super::*;

    #[test]
    fn sqlite_is_asked_after_each_change_and_once_in_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let wal = side_file(&path, "-wal");
        fs::write(&path, "").unwrap();
        fs::write(&wal, "").unwrap();
        let looks = Cell::new(0);
        let mut last = LastLook::at(&path);
        let mut looked = || {
            let before = looks.get();
            let head = last.head(|| {
                looks.set(looks.get() + 1);
                Ok::<_, ()>(SequencePosition::new(looks.get()))
            });
            assert_eq!(head.unwrap().unwrap().get(), looks.get());
            looks.get() > before
        };
        assert!(looked() && looked(), "the files have just been written");
        thread::sleep(Duration::from_millis(300));
        assert!(looked());
        assert!(!looked() && !looked());
        let change = fs::OpenOptions::new().write(true).open(&wal).unwrap();
        std::io::Write::write_all(&mut &change, b"frame").unwrap();
        assert!(looked() && looked(), "another write may bear the same time");
        thread::sleep(Duration::from_millis(300));
        assert!(looked());
        assert!(!looked());
        fs::rename(&path, folder.path().join("other")).unwrap();
        assert!(looked());
        thread::sleep(Duration::from_millis(300));
        assert!(looked());
        thread::sleep(TRUSTED);
        assert!(looked());
        fs::remove_file(&wal).unwrap();
        assert!(looked() && looked());
    }

    #[test]
    fn an_error_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = LastLook::at(&folder.path().join("log"));
        fs::write(folder.path().join("log-wal"), "").unwrap();
        thread::sleep(Duration::from_millis(300));
        for _ in 0..2 {
            assert_eq!(last.head(|| Err(())), Err(()));
        }
    }
}

use std::path::{Path, PathBuf};

use factos_sqlite::SqliteStore;
use tempfile::TempDir;

/// Where the log and the read models lie.
pub(crate) enum Folder {
    Given(PathBuf),
    Own(TempDir),
}

impl Folder {
    pub(crate) fn open(given: Option<PathBuf>) -> anyhow::Result<Self> {
        Ok(match given {
            Some(path) => {
                std::fs::create_dir_all(&path)?;
                Self::Given(path)
            }
            None => Self::Own(tempfile::tempdir()?),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Own(folder) => folder.path(),
        }
    }

    pub(crate) async fn log(&self) -> anyhow::Result<SqliteStore> {
        Ok(SqliteStore::open(self.path().join("log.db")).await?)
    }

    /// The file of the models that do not lie beside the log.
    pub(crate) fn models(&self) -> PathBuf {
        self.path().join("models.db")
    }
}

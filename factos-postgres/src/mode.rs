use std::fmt;

/// The way in which a log gives out positions, chosen when it is created and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Advisory locks named by what an append writes and what its condition asks for: appends on
    /// different boundaries never wait for each other's flush, in whichever process they are. For
    /// PostgreSQL itself.
    #[default]
    Keyed,
    /// One row that every append locks: positions have no gaps and become visible in order, so that a
    /// physical standby can be read and followed. One commit at a time. For engines without real
    /// advisory locks.
    Portable,
}

impl Mode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Portable => "portable",
        }
    }
}

impl Mode {
    /// The mode of this name, which a log keeps.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Keyed, Self::Portable].into_iter().find(|mode| mode.as_str() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

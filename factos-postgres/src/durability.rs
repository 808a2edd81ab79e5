/// The failures that an acknowledged append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// A crash of the server: an append is told once its commit was flushed, also where the role, the database
    /// or the session has `synchronous_commit = off` as its default. A stricter default, such as
    /// `remote_apply`, stays.
    #[default]
    Full,
    /// The end of the application, but not a crash of the server (`synchronous_commit = off`).
    ///
    /// Such a crash loses the appends of its last moments, up to three times `wal_writer_delay`, although
    /// they were acknowledged and read. Their positions are then given to other events. The log stays whole.
    LoseLatestOnServerCrash,
}

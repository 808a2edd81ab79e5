/// The failures that an acknowledged append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// The end of the process and of the machine, a power cut included: the write-ahead log is flushed before
    /// an append returns (`synchronous=FULL`).
    #[default]
    Full,
    /// The end of the process, but not of the machine: a power cut or a crash of the operating system
    /// may drop the latest appends, although they were acknowledged and read (`synchronous=NORMAL`).
    /// Their positions are then given to other events. The log stays whole.
    LoseLatestOnPowerCut,
}

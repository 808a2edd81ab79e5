/// The deepest nesting of sequences, maps and structs that any codec writes.
pub(crate) const MAX_DEPTH: u8 = 127;

/// The most calls within each other that a value may need to be written: those of [`MAX_DEPTH`], and those
/// of `Some` and newtypes, which many formats do not write at all.
pub(super) const MAX_WRITTEN_LEVELS: u16 = 2 * MAX_DEPTH as u16 + 2;

/// The most calls within each other that a payload may need to be read. More than for writing: an enum takes
/// two.
pub(super) const MAX_READ_LEVELS: u16 = 2 * MAX_WRITTEN_LEVELS + 16;

/// What a format cannot tell apart, or cannot hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    /// Whether it holds infinite floats.
    pub(crate) infinite: bool,
    /// Whether it is to hold floats that do not equal themselves.
    pub(crate) not_a_number: bool,
    /// Whether `None` and `Some(None)` are written alike.
    pub(crate) none_is_null: bool,
    /// Whether `None` and `Some(())` are written alike.
    pub(crate) unit_is_null: bool,
    /// Whether `None` and `Some` of a unit struct are written alike.
    pub(crate) unit_struct_is_null: bool,
}

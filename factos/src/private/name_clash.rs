use std::marker::PhantomData;

/// Whether the name of a generated type means another type in the scope of the event.
///
/// `Generated` is the type by its full path, `Named` what its name means there.
#[derive(Debug)]
pub struct NameClash<Generated, Named>(PhantomData<(Generated, Named)>);

impl<T> NameClash<T, T> {
    /// The name means the generated type.
    pub const EXISTS: bool = false;
}

/// Answers where the two types differ, as the inherent constant comes before it.
pub trait ClashingName {
    /// The name means another type.
    const EXISTS: bool = true;
}

impl<Generated, Named> ClashingName for NameClash<Generated, Named> {}

use std::marker::PhantomData;

/// A type that the derive makes, and what its name stands for.
#[derive(Debug)]
pub struct MadeName<T, Named>(PhantomData<(T, Named)>);

impl<T> MadeName<T, T> {
    /// Whether something else has the name.
    pub const IS_TAKEN: bool = false;
}

/// What holds of a name that stands for another type.
pub trait TakenName {
    /// Whether something else has the name.
    const IS_TAKEN: bool = true;
}

impl<T, Named> TakenName for MadeName<T, Named> {}

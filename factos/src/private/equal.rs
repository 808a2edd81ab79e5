use std::marker::PhantomData;

/// Whether two values of a type are equal.
pub type Equality<T> = Option<fn(&T, &T) -> bool>;

/// The `PartialEq` of `T`, if it has one: then the inherent constant is chosen, else that of [`NoEqual`].
#[derive(Debug)]
pub struct Equal<T>(PhantomData<T>);

impl<T: PartialEq> Equal<T> {
    /// The function `eq`.
    pub const FUNCTION: Equality<T> = Some(T::eq);
}

/// The types without `PartialEq`.
pub trait NoEqual<T> {
    /// None.
    const FUNCTION: Equality<T> = None;
}

impl<T> NoEqual<T> for Equal<T> {}

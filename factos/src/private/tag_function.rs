use std::marker::PhantomData;

/// A function of `#[tag(with = ...)]` or `tags_with`, and the value that it is called for.
///
/// The method gives what to call it with. A function that takes a reference to the value finds the inherent one,
/// and a function that takes the value itself that of [`ByValue`], which is an error. Any other finds that of
/// [`ByCoercion`]: only the call tells whether its argument can be made of a reference.
#[derive(Debug)]
pub struct TagFunction<'a, F, T: ?Sized> {
    function: PhantomData<F>,
    value: &'a T,
}

impl<'a, F, T: ?Sized> TagFunction<'a, F, T> {
    /// The function with a value.
    pub const fn new(_: &F, value: &'a T) -> Self {
        Self { function: PhantomData, value }
    }
}

impl<'a, F: FnOnce(&'a T) -> R, T: ?Sized, R> TagFunction<'a, F, T> {
    /// A reference to the value.
    pub const fn __tag_argument(&self) -> &'a T {
        self.value
    }
}

/// A function that takes the value itself.
pub trait ByValue<T>: Sized {
    /// Does not compile.
    fn __tag_argument(self) -> T
    where
        Self: GivenByValue<T>;
}

impl<F: FnOnce(T) -> R, T, R> ByValue<T> for &TagFunction<'_, F, T> {
    fn __tag_argument(self) -> T
    where
        Self: GivenByValue<T>,
    {
        self.value()
    }
}

/// What gives a function the value itself: nothing.
#[diagnostic::on_unimplemented(
    message = "this function takes a `{T}`, and is given a reference to it",
    label = "write `&{T}` as the type of its argument"
)]
pub trait GivenByValue<T> {
    /// The value.
    fn value(self) -> T;
}

/// A function that takes something else.
pub trait ByCoercion<'a, T: ?Sized> {
    /// A reference to the value.
    fn __tag_argument(&self) -> &'a T;
}

impl<'a, F, T: ?Sized> ByCoercion<'a, T> for &TagFunction<'a, F, T> {
    fn __tag_argument(&self) -> &'a T {
        self.value
    }
}

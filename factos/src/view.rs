pub(crate) mod closure;
mod pointers;
mod tuple;

/// A pure fold over events: what a reader wants to know.
///
/// No IO, no store, nothing async or `Send`; dyn-compatible. A tuple of up to twelve views over the same
/// event is a view whose state is the tuple of theirs.
///
/// ```
/// let count = factos::view_fn(|| 0, |count, _: &i64| count + 1);
/// let sum = factos::view_fn(|| 0, |sum, amount: &i64| sum + amount);
/// assert_eq!(factos::project(&(count, sum), &[3, 4]), (2, 7));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a view",
    note = "implement `factos::View` for it, or make one of closures with `factos::view_fn`"
)]
pub trait View {
    /// The event that is folded.
    type Event;
    /// The state that the events are folded into.
    type State;

    /// The state before any event.
    fn initial(&self) -> Self::State;

    /// The state after one more event.
    fn evolve(&self, state: Self::State, event: &Self::Event) -> Self::State;
}

/// The state of a view after these events, in the order given.
#[must_use]
pub fn project<'a, V>(view: &V, events: impl IntoIterator<Item = &'a V::Event>) -> V::State
where
    V: View + ?Sized,
    V::Event: 'a,
{
    project_from(view, view.initial(), events)
}

/// The state of a view after these further events, starting from a state that it had before.
#[must_use]
pub fn project_from<'a, V>(
    view: &V,
    state: V::State,
    events: impl IntoIterator<Item = &'a V::Event>,
) -> V::State
where
    V: View + ?Sized,
    V::Event: 'a,
{
    events.into_iter().fold(state, |state, event| view.evolve(state, event))
}

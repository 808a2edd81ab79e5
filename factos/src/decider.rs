use crate::{event::Event, query_for::QueryFor};

pub(crate) mod closure;
pub(crate) mod compute;
pub(crate) mod map;
mod pointers;

use map::{MapCommand, MapError, WithContext};

/// A rule of the domain: decides which events a command leads to, from the facts accepted so far.
///
/// Pure: no IO, no clock, no randomness; what a decision needs from outside comes in the command, and
/// `self` holds the configuration. Nothing here is async or must be `Send`, and the trait is dyn-compatible.
///
/// # Boundaries
/// - `decide` sees `initial` folded with the events that [`context`](Self::context) selects, and no others.
/// - If an event that [`guard`](Self::guard) selects was accepted since, the append is refused; other
///   events do not matter.
/// - `context` covers `guard`, and both depend on the command alone.
///
/// ```
/// # use factos::{Bytes, Decider, EncodeError, Event, EventType, Schema, Tags, TypeInfo, Undecodable};
/// # struct Paid(u64);
/// # impl Event for Paid {
/// #     const SCHEMA: &'static Schema = &Schema::new(&[TypeInfo::new("Paid", 1, "Paid")]);
/// #     fn event_type(&self) -> EventType { EventType::from_static("Paid") }
/// #     fn version(&self) -> u32 { 1 }
/// #     fn tags(&self) -> Result<Tags, EncodeError> { Ok(Tags::new()) }
/// #     fn encode(&self) -> Result<Bytes, EncodeError> { Ok(self.0.to_string().into()) }
/// #     fn decode(_: &EventType, _: u32, _: &[u8]) -> Result<Self, Undecodable> { Ok(Self(0)) }
/// # }
/// struct Budget { limit: u64 }
/// struct Pay(u64);
/// #[derive(Debug, PartialEq)]
/// struct OverBudget;
///
/// impl Decider for Budget {
///     type Command = Pay;
///     type Event = Paid;
///     type State = u64;
///     type Error = OverBudget;
///
///     fn initial(&self) -> u64 { 0 }
///     fn evolve(&self, spent: u64, Paid(amount): &Paid) -> u64 { spent + amount }
///     fn decide(&self, spent: &u64, Pay(amount): &Pay) -> Result<Vec<Paid>, OverBudget> {
///         if spent + amount > self.limit { return Err(OverBudget) }
///         Ok(vec![Paid(*amount)])
///     }
/// }
///
/// let budget = Budget { limit: 10 };
/// assert_eq!(factos::compute_state(&budget, 3, &Pay(7)), Ok(10));
/// assert_eq!(factos::compute_state(&budget, 4, &Pay(7)), Err(OverBudget));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a decider",
    note = "implement `factos::Decider` for it, or make one of closures with `factos::decider_fn`"
)]
pub trait Decider {
    /// The command: what a caller asks for.
    type Command;
    /// The event: what can have happened.
    type Event: Event;
    /// The state, folded from events, that a decision looks at.
    type State;
    /// The reason why the domain refuses a command.
    type Error;

    /// The state before any event.
    fn initial(&self) -> Self::State;

    /// The state after one more event. It must take every event: an accepted event cannot be refused.
    fn evolve(&self, state: Self::State, event: &Self::Event) -> Self::State;

    /// The events that the command leads to; none if there is nothing to do.
    ///
    /// # Errors
    /// The domain's reason to refuse the command.
    fn decide(
        &self,
        state: &Self::State,
        command: &Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Error>;

    /// The facts that this command depends on. By default every type of `Event`, which is always sound:
    /// the fold sees no other events.
    fn context(&self, command: &Self::Command) -> QueryFor<Self::Event> {
        let _ = command;
        QueryFor::all_types()
    }

    /// The facts that may invalidate the decision, by default the whole context. Narrow it if some facts
    /// of the context cannot reverse the answer: a deposit never invalidates a withdrawal.
    fn guard(&self, command: &Self::Command) -> QueryFor<Self::Event> {
        self.context(command)
    }

    /// The same decider for another command type. `f` is called whenever a command is used.
    fn map_command<C, F>(self, f: F) -> MapCommand<Self, C, F>
    where
        Self: Sized,
        F: Fn(&C) -> Self::Command,
    {
        MapCommand::new(self, f)
    }

    /// The same decider with its error mapped.
    fn map_error<E, F>(self, f: F) -> MapError<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Error) -> E,
    {
        MapError::new(self, f)
    }

    /// The same decider with another context, which is its guard as well.
    fn with_context<F>(self, f: F) -> WithContext<Self, F>
    where
        Self: Sized,
        F: Fn(&Self::Command) -> QueryFor<Self::Event>,
    {
        WithContext::new(self, f)
    }
}

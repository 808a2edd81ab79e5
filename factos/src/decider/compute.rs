use crate::{decider::Decider, recorded::Recorded};

/// The events that a command leads to after a history.
///
/// The history is all that the decider sees: its [`context`](Decider::context) is not applied.
///
/// # Errors
/// The decider's refusal of the command.
pub fn compute_events<'a, D>(
    decider: &D,
    history: impl IntoIterator<Item = &'a D::Event>,
    command: &D::Command,
) -> Result<Vec<D::Event>, D::Error>
where
    D: Decider + ?Sized,
    D::Event: 'a,
{
    let state = evolve_all(decider, decider.initial(), history);
    decider.decide(&state, command)
}

/// The state that a command leads to from a given state: decides, then folds what was decided.
///
/// # Errors
/// The decider's refusal of the command; the state is then lost.
pub fn compute_state<D>(
    decider: &D,
    state: D::State,
    command: &D::Command,
) -> Result<D::State, D::Error>
where
    D: Decider + ?Sized,
{
    let events = decider.decide(&state, command)?;
    Ok(evolve_all(decider, state, &events))
}

/// The state after these records, in the order given.
#[must_use]
pub fn evolve_recorded<'a, D>(
    decider: &D,
    state: D::State,
    records: impl IntoIterator<Item = &'a Recorded<D::Event>>,
) -> D::State
where
    D: Decider + ?Sized,
    D::Event: 'a,
{
    evolve_all(decider, state, records.into_iter().map(|record| &record.event))
}

fn evolve_all<'a, D>(
    decider: &D,
    state: D::State,
    events: impl IntoIterator<Item = &'a D::Event>,
) -> D::State
where
    D: Decider + ?Sized,
    D::Event: 'a,
{
    events.into_iter().fold(state, |state, event| decider.evolve(state, event))
}

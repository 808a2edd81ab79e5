//! An event-sourced aggregate: an account with a stream of its own, whose revision is the boundary.
//!
//! The same log, the same events and the same kind of decider; only the dispatch is another one. Where a
//! rule concerns one thing alone, a stream is enough.

use factos::{Decider, Event};

/// What can happen to an account.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[event(prefix = "account.", rename_all = "kebab-case")]
pub enum Account {
    /// It is opened.
    Opened {
        /// By whom.
        owner: String,
    },
    /// Money comes in.
    Deposited {
        /// So much.
        cents: u64,
    },
    /// Money goes out.
    Withdrawn {
        /// So much.
        cents: u64,
    },
    /// It is closed.
    Closed,
}

/// What can be asked for.
#[derive(Debug, Clone)]
pub enum Command {
    /// An account.
    Open {
        /// For whom.
        owner: String,
    },
    /// To bring money.
    Deposit(u64),
    /// To take money.
    Withdraw(u64),
    /// To close it.
    Close,
}

/// Why it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is an account, or was one.
    Exists,
    /// There is none, or none any more.
    NotOpen,
    /// There is not so much in it.
    TooLittle,
    /// There is money in it.
    NotEmpty,
}

/// The account as it stands: a machine of three states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    Missing,
    /// With so much in it.
    Open {
        /// So much.
        cents: u64,
    },
    /// No more.
    Closed,
}

/// Decides about one account.
#[derive(Debug)]
pub struct Teller;

impl Decider for Teller {
    type Command = Command;
    type Event = Account;
    type State = State;
    type Error = Refusal;

    fn initial(&self) -> State {
        State::Missing
    }

    fn evolve(&self, state: State, event: &Account) -> State {
        match (state, event) {
            (State::Missing, Account::Opened { .. }) => State::Open { cents: 0 },
            (State::Open { cents }, Account::Deposited { cents: more }) => {
                State::Open { cents: cents + more }
            }
            (State::Open { cents }, Account::Withdrawn { cents: less }) => {
                State::Open { cents: cents.saturating_sub(*less) }
            }
            (State::Open { .. }, Account::Closed) => State::Closed,
            (state, _) => state,
        }
    }

    fn decide(&self, state: &State, command: &Command) -> Result<Vec<Account>, Refusal> {
        let event = match (state, command.clone()) {
            (State::Missing, Command::Open { owner }) => Account::Opened { owner },
            (_, Command::Open { .. }) => return Err(Refusal::Exists),
            (State::Open { .. }, Command::Deposit(cents)) => Account::Deposited { cents },
            (State::Open { cents }, Command::Withdraw(wanted)) if wanted <= *cents => {
                Account::Withdrawn { cents: wanted }
            }
            (State::Open { .. }, Command::Withdraw(_)) => return Err(Refusal::TooLittle),
            (State::Open { cents: 0 }, Command::Close) => Account::Closed,
            (State::Open { .. }, Command::Close) => return Err(Refusal::NotEmpty),
            _ => return Err(Refusal::NotOpen),
        };
        Ok(vec![event])
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn opened() -> Account {
        Account::Opened { owner: "ann".into() }
    }

    #[test]
    fn money_comes_before_it_goes() {
        let story = || scenario(&Teller).given([opened(), Account::Deposited { cents: 10 }]);
        let withdrawn = Account::Withdrawn { cents: 10 };
        story().when(Command::Withdraw(10)).then([withdrawn]).then_state(State::Open { cents: 0 });
        story().when(Command::Withdraw(11)).then_err(Refusal::TooLittle);
        story().when(Command::Close).then_err(Refusal::NotEmpty);
        let deposited = Account::Deposited { cents: 5 };
        story().when(Command::Deposit(5)).then([deposited]).then_state(State::Open { cents: 15 });
    }

    #[test]
    fn an_account_is_opened_and_closed_once() {
        let open = || Command::Open { owner: "ann".into() };
        scenario(&Teller).when(open()).then([opened()]);
        scenario(&Teller).given([opened()]).when(open()).then_err(Refusal::Exists);
        scenario(&Teller).given([opened()]).when(Command::Close).then([Account::Closed]);
        let closed = || scenario(&Teller).given([opened(), Account::Closed]);
        closed().when(open()).then_err(Refusal::Exists);
        closed().when(Command::Deposit(1)).then_err(Refusal::NotOpen);
        scenario(&Teller).when(Command::Withdraw(1)).then_err(Refusal::NotOpen);
    }
}

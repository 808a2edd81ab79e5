//! An event-sourced aggregate: an account with a stream of its own, whose revision is the boundary.
//!
//! The log, the events and the decider are of the same kind as in the other stories; only the dispatch is
//! another one. A stream is enough for a rule about one thing alone.

use factos::{Decider, Event};

/// What can happen to an account.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[event(prefix = "account.", rename_all = "kebab-case")]
pub enum Account {
    /// The account is opened.
    Opened {
        /// The owner's name.
        owner: String,
    },
    /// Money is paid in.
    Deposited {
        /// The amount.
        cents: u64,
    },
    /// Money is paid out.
    Withdrawn {
        /// The amount.
        cents: u64,
    },
    /// The account is closed.
    Closed,
}

/// The commands on an account.
#[derive(Debug, Clone)]
pub enum Command {
    /// Open the account.
    Open {
        /// The owner's name.
        owner: String,
    },
    /// Pay in this amount.
    Deposit(u64),
    /// Pay out this amount.
    Withdraw(u64),
    /// Close the account.
    Close,
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The account exists, or did before it was closed.
    Exists,
    /// The account does not exist, or is closed.
    NotOpen,
    /// The balance is lower than the amount.
    TooLittle,
    /// The account still holds money.
    NotEmpty,
}

/// The account: a state machine of three states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was never opened.
    Missing,
    /// It is open.
    Open {
        /// The balance.
        cents: u64,
    },
    /// It was closed.
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

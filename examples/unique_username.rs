//! A globally unique value: one account at a time has a username, and the name stays reserved for some days
//! after its release, so that nobody is mistaken for its former owner.

use factos::{Decider, Event, Payload, QueryFor, TagValue};

/// How many days a name stays reserved after its release.
pub const RETENTION_DAYS: u32 = 30;

/// A username in the one spelling in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, TagValue, Payload)]
pub struct Username(String);

impl Username {
    /// The name in lower case.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_lowercase())
    }
}

/// What can happen to accounts and their names.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "account.")]
pub enum Account {
    /// A name is claimed with a new account.
    Registered {
        /// The name.
        #[tag]
        username: Username,
    },
    /// An account changes its name.
    UsernameChanged {
        /// The name that is released.
        #[tag("username")]
        old: Username,
        /// The name that is claimed.
        #[tag("username")]
        new: Username,
        /// The day of the event.
        day: u32,
    },
    /// An account is closed, and its name released.
    Closed {
        /// The name.
        #[tag]
        username: Username,
        /// The day of the event.
        day: u32,
    },
}

/// The commands.
#[derive(Debug, Clone)]
pub enum Command {
    /// Register an account.
    Register {
        /// Its name.
        username: Username,
        /// Today.
        day: u32,
    },
    /// Change the name of an account.
    Change {
        /// Its current name.
        old: Username,
        /// The wanted name.
        new: Username,
        /// Today.
        day: u32,
    },
    /// Close an account.
    Close {
        /// Its name.
        username: Username,
        /// Today.
        day: u32,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Another account has the name, or released it too recently.
    NotAvailable,
    /// No account has the name.
    NoSuchAccount,
}

/// The claim on each name of the context.
#[derive(Debug, Default)]
pub struct Names(Vec<(Username, Claim)>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Claim {
    Taken,
    Released { day: u32 },
}

/// Decides about names.
#[derive(Debug)]
pub struct Registry;

impl Decider for Registry {
    type Command = Command;
    type Event = Account;
    type State = Names;
    type Error = Refusal;

    fn initial(&self) -> Names {
        Names::default()
    }

    fn evolve(&self, names: Names, event: &Account) -> Names {
        match event {
            Account::Registered { username } => names.with(username, Claim::Taken),
            Account::Closed { username, day } => {
                names.with(username, Claim::Released { day: *day })
            }
            Account::UsernameChanged { old, new, day } => {
                names.with(old, Claim::Released { day: *day }).with(new, Claim::Taken)
            }
        }
    }

    fn decide(&self, names: &Names, command: &Command) -> Result<Vec<Account>, Refusal> {
        let event = match command.clone() {
            Command::Register { username, day } => {
                names.claim(&username, day)?;
                Account::Registered { username }
            }
            Command::Change { old, new, day } => {
                names.held(&old)?;
                names.claim(&new, day)?;
                Account::UsernameChanged { old, new, day }
            }
            Command::Close { username, day } => {
                names.held(&username)?;
                Account::Closed { username, day }
            }
        };
        Ok(vec![event])
    }

    fn context(&self, command: &Command) -> QueryFor<Account> {
        match command {
            Command::Register { username, .. } | Command::Close { username, .. } => {
                Account::query().username(username).into()
            }
            Command::Change { old, new, .. } => {
                Account::query().username(old) | Account::query().username(new)
            }
        }
    }
}

impl Names {
    fn with(mut self, name: &Username, claim: Claim) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.clone(), claim));
        self
    }

    fn of(&self, name: &Username) -> Option<Claim> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, claim)| *claim)
    }

    fn held(&self, name: &Username) -> Result<(), Refusal> {
        if self.of(name) == Some(Claim::Taken) { Ok(()) } else { Err(Refusal::NoSuchAccount) }
    }

    fn claim(&self, name: &Username, today: u32) -> Result<(), Refusal> {
        match self.of(name) {
            None => Ok(()),
            Some(Claim::Released { day }) if today > day + RETENTION_DAYS => Ok(()),
            Some(_) => Err(Refusal::NotAvailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn name(name: &str) -> Username {
        Username::new(name)
    }

    fn registered(username: &str) -> Account {
        Account::Registered { username: name(username) }
    }

    fn register(username: &str, day: u32) -> Command {
        Command::Register { username: name(username), day }
    }

    #[test]
    fn a_name_is_claimed_once_however_it_is_spelt() {
        scenario(&Registry)
            .given([registered("bob")])
            .when(register("ann", 1))
            .then([registered("ann")]);
        let story = scenario(&Registry).given([registered("ann")]);
        story.when(register("Ann", 2)).then_err(Refusal::NotAvailable);
    }

    #[test]
    fn a_released_name_is_free_after_the_retention_period() {
        let closed = Account::Closed { username: name("ann"), day: 10 };
        let story = || scenario(&Registry).given([registered("ann"), closed.clone()]);
        let last = 10 + RETENTION_DAYS;
        story().when(register("ann", last)).then_err(Refusal::NotAvailable);
        story().when(register("ann", last + 1)).then([registered("ann")]);
        let again = [registered("ann")];
        let story = story().given(again);
        story.when(register("ann", last + 99)).then_err(Refusal::NotAvailable);
    }

    #[test]
    fn a_change_releases_one_name_and_claims_another() {
        let change = |day| Command::Change { old: name("ann"), new: name("eve"), day };
        let changed = |day| Account::UsernameChanged { old: name("ann"), new: name("eve"), day };
        let story = || scenario(&Registry).given([registered("ann")]);
        story().when(change(5)).then([changed(5)]);
        let both = || story().given([registered("eve")]);
        both().when(change(5)).then_err(Refusal::NotAvailable);
        scenario(&Registry).when(change(5)).then_err(Refusal::NoSuchAccount);
        let after = || story().given([changed(5)]);
        after().when(register("ann", 6)).then_err(Refusal::NotAvailable);
        after().when(register("eve", 6)).then_err(Refusal::NotAvailable);
        after().when(register("ann", 6 + RETENTION_DAYS)).then([registered("ann")]);
        let close = Command::Close { username: name("ann"), day: 7 };
        after().when(close).then_err(Refusal::NoSuchAccount);
    }
}

//! A token that works once and expires: a person signs up, is sent a code, and confirms with it.

use factos::{Decider, Event, QueryFor};

/// How many minutes a code is valid.
pub const GOOD_FOR_MINUTES: u64 = 60;

/// What can happen. Queries see the code and nothing about the person: tags outlive erasure.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "sign-up.")]
pub enum SignUp {
    /// A code was sent.
    Initiated {
        /// The code.
        #[tag]
        code: String,
        /// The address it was sent to.
        email: String,
        /// When it was sent.
        minute: u64,
    },
    /// The code was used to confirm.
    Confirmed {
        /// The code.
        #[tag]
        code: String,
        /// The address it was sent to.
        email: String,
    },
}

/// Confirms with a code.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The code.
    pub code: String,
    /// The current time.
    pub minute: u64,
}

/// Why a confirmation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such code was sent.
    NoSuchCode,
    /// The code was used already.
    UsedAlready,
    /// The code is too old.
    Expired,
}

/// The state of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// It was never sent.
    Unknown,
    /// It was sent.
    Sent {
        /// The address it was sent to.
        email: String,
        /// When it was sent.
        minute: u64,
    },
    /// It was used.
    Used,
}

/// Decides whether a code is valid.
#[derive(Debug)]
pub struct OptIn;

impl Decider for OptIn {
    type Command = Confirm;
    type Event = SignUp;
    type State = Code;
    type Error = Refusal;

    fn initial(&self) -> Code {
        Code::Unknown
    }

    fn evolve(&self, _: Code, event: &SignUp) -> Code {
        match event {
            SignUp::Initiated { email, minute, .. } => {
                Code::Sent { email: email.clone(), minute: *minute }
            }
            SignUp::Confirmed { .. } => Code::Used,
        }
    }

    fn decide(&self, code: &Code, command: &Confirm) -> Result<Vec<SignUp>, Refusal> {
        match code {
            Code::Unknown => Err(Refusal::NoSuchCode),
            Code::Used => Err(Refusal::UsedAlready),
            Code::Sent { minute, .. } if command.minute > minute + GOOD_FOR_MINUTES => {
                Err(Refusal::Expired)
            }
            Code::Sent { email, .. } => {
                let (code, email) = (command.code.clone(), email.clone());
                Ok(vec![SignUp::Confirmed { code, email }])
            }
        }
    }

    fn context(&self, command: &Confirm) -> QueryFor<SignUp> {
        SignUp::query().code(&command.code).into()
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    fn initiated(code: &str, minute: u64) -> SignUp {
        SignUp::Initiated { code: code.into(), email: "ann@example.org".into(), minute }
    }

    fn confirmed(code: &str) -> SignUp {
        SignUp::Confirmed { code: code.into(), email: "ann@example.org".into() }
    }

    fn confirm(code: &str, minute: u64) -> Confirm {
        Confirm { code: code.into(), minute }
    }

    #[test]
    fn a_code_confirms_once() {
        let story = || scenario(&OptIn).given([initiated("a", 0), initiated("b", 0)]);
        story().when(confirm("a", 5)).then([confirmed("a")]).then_state(Code::Used);
        let used = || story().given([confirmed("a")]);
        used().when(confirm("a", 6)).then_err(Refusal::UsedAlready);
        used().when(confirm("b", 6)).then([confirmed("b")]);
    }

    #[test]
    fn a_code_expires_and_another_one_was_never_sent() {
        let story = || scenario(&OptIn).given([initiated("a", 10)]);
        story().when(confirm("a", 10 + GOOD_FOR_MINUTES)).then([confirmed("a")]);
        story().when(confirm("a", 11 + GOOD_FOR_MINUTES)).then_err(Refusal::Expired);
        story().when(confirm("c", 11)).then_err(Refusal::NoSuchCode);
    }
}

//! A guard that is narrower than its context: a withdrawal depends on every deposit and withdrawal of its wallet,
//! but only another withdrawal can make it wrong. A deposit that is accepted meanwhile refuses nothing.

use factos::{Decider, Event, QueryFor};

/// What can happen to a wallet.
#[derive(Debug, Clone, PartialEq, Event)]
#[event(prefix = "wallet.")]
pub enum Wallet {
    /// Money comes in.
    Deposited {
        /// The wallet.
        #[tag]
        wallet: String,
        /// How much.
        cents: u64,
    },
    /// Money goes out.
    Withdrawn {
        /// The wallet.
        #[tag]
        wallet: String,
        /// How much.
        cents: u64,
    },
}

/// Takes money out of a wallet.
#[derive(Debug, Clone)]
pub struct Withdraw {
    /// The wallet.
    pub wallet: String,
    /// How much.
    pub cents: u64,
}

/// The wallet holds less than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLittle {
    /// What it holds.
    pub cents: u64,
}

/// Decides about withdrawals.
#[derive(Debug)]
pub struct Cashier;

impl Decider for Cashier {
    type Command = Withdraw;
    type Event = Wallet;
    type State = u64;
    type Error = TooLittle;

    fn initial(&self) -> u64 {
        0
    }

    fn evolve(&self, balance: u64, event: &Wallet) -> u64 {
        match event {
            Wallet::Deposited { cents, .. } => balance.saturating_add(*cents),
            Wallet::Withdrawn { cents, .. } => balance.saturating_sub(*cents),
        }
    }

    fn decide(&self, balance: &u64, command: &Withdraw) -> Result<Vec<Wallet>, TooLittle> {
        let Withdraw { wallet, cents } = command.clone();
        if cents > *balance {
            return Err(TooLittle { cents: *balance });
        }
        Ok(vec![Wallet::Withdrawn { wallet, cents }])
    }

    fn context(&self, command: &Withdraw) -> QueryFor<Wallet> {
        Wallet::query().wallet(&command.wallet).into()
    }

    fn guard(&self, command: &Withdraw) -> QueryFor<Wallet> {
        self.context(command).only([WalletKind::Withdrawn])
    }
}

#[cfg(test)]
mod tests {
    use factos::testing::scenario;

    use super::*;

    #[test]
    fn a_wallet_gives_what_it_holds() {
        let deposited = |cents| Wallet::Deposited { wallet: "w".into(), cents };
        let withdrawn = |cents| Wallet::Withdrawn { wallet: "w".into(), cents };
        let withdraw = |cents| Withdraw { wallet: "w".into(), cents };
        let story = || scenario(&Cashier).given([deposited(10), withdrawn(4)]);
        story().when(withdraw(6)).then([withdrawn(6)]).then_state(0);
        story().when(withdraw(7)).then_err(TooLittle { cents: 6 });
    }
}

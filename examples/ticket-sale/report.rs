use std::{process::ExitCode, time::Duration};

use factos::Dispatched;

use crate::box_office::{SoldOut, Ticketing};

/// What the buyers were told, and what the log holds.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) attempts: u64,
    pub(crate) accepted: u64,
    pub(crate) sold_out: u64,
    /// Attempts that lost to another buyer and were made again.
    pub(crate) retried: u64,
    /// Tickets in the log before the sale, and how many of those are still there.
    pub(crate) before: u64,
    pub(crate) kept: u64,
    /// Tickets in the log after it, and how many of those this sale sold.
    pub(crate) recorded: u64,
    pub(crate) own: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, purchase: &Result<Dispatched<Ticketing, ()>, SoldOut>) {
        self.attempts += 1;
        match purchase {
            Ok(_) => self.accepted += 1,
            Err(SoldOut) => self.sold_out += 1,
        }
    }

    /// The first count that is wrong, if any is. Other processes may sell on the same log meanwhile.
    fn mistake(&self, seats: u64) -> Option<String> {
        let Self { accepted, sold_out, before, kept, recorded, own, .. } = *self;
        if kept != before {
            return Some(format!("the log held {before} tickets, {kept} of them are left"));
        }
        if own != accepted {
            return Some(format!("{accepted} tickets were accepted, {own} of them are recorded"));
        }
        if recorded > seats.max(before) {
            return Some(format!("{recorded} tickets are recorded for {seats} seats"));
        }
        if sold_out > 0 && recorded < seats {
            return Some(format!("sold out at {recorded} of {seats} seats"));
        }
        None
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    pub(crate) seats: u64,
    pub(crate) elapsed: Duration,
    pub(crate) location: String,
}

impl Report {
    pub(crate) fn print(&self) -> ExitCode {
        let Counts { attempts, accepted, sold_out, recorded, retried, .. } = self.counts;
        println!(
            "{attempts} attempts: {accepted} accepted, {sold_out} sold out, {recorded} recorded"
        );
        println!("elapsed: {:.2} s", self.elapsed.as_secs_f64());
        println!("conflicts retried: {retried}");
        println!("log: {}", self.location);
        match self.counts.mistake(self.seats) {
            None => ExitCode::SUCCESS,
            Some(mistake) => {
                eprintln!("error: the counts do not add up: {mistake}");
                ExitCode::FAILURE
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Counts = Counts {
        attempts: 300,
        accepted: 60,
        sold_out: 240,
        retried: 0,
        before: 30,
        kept: 30,
        recorded: 100,
        own: 60,
    };

    #[test]
    fn sound_counts_pass_also_beside_another_process() {
        assert_eq!(SOUND.mistake(100), None);
    }

    #[test]
    fn every_kind_of_mistake_is_found() {
        let mistakes = [
            (Counts { kept: 29, ..SOUND }, "29 of them are left"),
            (Counts { own: 59, ..SOUND }, "59 of them are recorded"),
            (Counts { recorded: 101, ..SOUND }, "101 tickets are recorded for 100 seats"),
            (Counts { recorded: 99, ..SOUND }, "sold out at 99 of 100 seats"),
        ];
        for (counts, expected) in mistakes {
            let mistake = counts.mistake(100).unwrap();
            assert!(mistake.contains(expected), "{mistake}");
        }
    }
}

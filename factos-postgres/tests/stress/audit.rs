//! The audit of a log: every decision and every read is compared with all events that the log has in the
//! end.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use factos::Page;

use crate::{
    clients::Read,
    followers::Followed,
    rules::{self, Rule, Seen},
};

#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) events: usize,
    pub(crate) decisions: usize,
    /// Decisions accepted although a matching event lies between what they saw and their own position.
    pub(crate) lost_conflicts: usize,
    /// Reads that did not show every matching event up to what they observed.
    pub(crate) wrong_reads: usize,
    pub(crate) broken_rules: usize,
    /// Revisions that do not count from 0 in the order of the log.
    pub(crate) wrong_revisions: usize,
    /// Events that a follower did not see, saw twice or saw out of order.
    pub(crate) missed: usize,
}

impl Findings {
    pub(crate) fn of(log: &Page, reads: &[Read], followed: &[Followed]) -> Self {
        let mut matching = Matching { log, positions: HashMap::new() };
        let mut findings = Self { events: log.len(), ..Self::default() };
        for record in log {
            let Some(rule) = record.metadata.get("rule") else { continue };
            let number = |key| record.metadata.get(key).unwrap().parse::<u64>().unwrap();
            let (rule, after) = (Rule::of_text(rule), number("after"));
            findings.decisions += 1;
            let until = record.position.get() - 1;
            findings.lost_conflicts += usize::from(matching.between(rule, after, until) > 0);
            let shown = usize::try_from(number("seen")).unwrap();
            findings.wrong_reads += usize::from(matching.between(rule, 0, after) != shown);
        }
        for read in reads {
            let complete = matching.between(read.rule, 0, read.observed);
            findings.wrong_reads += usize::from(complete != read.seen);
        }
        let seen: Vec<_> = log
            .iter()
            .map(|record| Seen { event_type: record.event_type.clone(), tags: record.tags.clone() })
            .collect();
        findings.broken_rules = rules::broken_rules(&seen);
        findings.wrong_revisions = wrong_revisions(log);
        findings.missed = followed.iter().map(|seen| missed(log, seen)).sum();
        findings
    }

    pub(crate) const fn is_clean(&self) -> bool {
        self.lost_conflicts + self.wrong_reads + self.broken_rules == 0
            && self.wrong_revisions + self.missed == 0
    }
}

/// The positions of the events that match each rule.
struct Matching<'a> {
    log: &'a Page,
    positions: HashMap<Rule, Vec<u64>>,
}

impl Matching<'_> {
    /// How many there are above `after` and not above `until`.
    fn between(&mut self, rule: Rule, after: u64, until: u64) -> usize {
        let log = self.log;
        let positions = self.positions.entry(rule).or_insert_with(|| {
            let query = rule.query();
            let matches = log.iter().filter(|e| query.matches(&e.event_type, &e.tags));
            matches.map(|record| record.position.get()).collect()
        });
        let up_to = |position: u64| positions.partition_point(|&at| at <= position);
        up_to(until).saturating_sub(up_to(after))
    }
}

fn wrong_revisions(log: &Page) -> usize {
    let mut next = HashMap::<_, u64>::new();
    let mut wrong = 0;
    for record in log {
        let Some(stream) = &record.stream else { continue };
        let next = next.entry(stream.clone()).or_default();
        wrong += usize::from(record.revision != Some(*next));
        *next += 1;
    }
    wrong
}

fn missed(log: &Page, seen: &[u64]) -> usize {
    let unique: HashSet<_> = seen.iter().copied().collect();
    let unseen = log.iter().filter(|record| !unique.contains(&record.position.get())).count();
    let twice = seen.len() - unique.len();
    unseen + twice + usize::from(!seen.is_sorted())
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, decisions, lost_conflicts, wrong_reads, .. } = self;
        let Self { broken_rules, wrong_revisions, missed, .. } = self;
        write!(
            f,
            "{events} events, {decisions} decisions, {lost_conflicts} lost conflicts, \
             {wrong_reads} wrong reads, {broken_rules} broken rules, \
             {wrong_revisions} wrong revisions, {missed} missed by followers"
        )
    }
}

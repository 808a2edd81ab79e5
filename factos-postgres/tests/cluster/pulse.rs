//! When appends were acknowledged.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use factos::SequencePosition;

use crate::patience::until;

pub(crate) struct Pulse {
    beats: Mutex<Vec<Instant>>,
    by_writer: Vec<AtomicUsize>,
    /// How many outcomes each writer was told as unknown.
    unknown: Vec<AtomicUsize>,
    /// How far each of those who follow the log has come.
    followed: Vec<AtomicU64>,
    round: AtomicU32,
    has_gone_back: AtomicBool,
    is_over: AtomicBool,
}

impl Pulse {
    pub(crate) fn of(writers: usize, followers: usize) -> Self {
        Self {
            beats: Mutex::default(),
            by_writer: (0..writers).map(|_| AtomicUsize::new(0)).collect(),
            unknown: (0..writers).map(|_| AtomicUsize::new(0)).collect(),
            followed: (0..followers).map(|_| AtomicU64::new(0)).collect(),
            round: AtomicU32::new(0),
            has_gone_back: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// An append of a writer was acknowledged.
    pub(crate) fn beat(&self, writer: usize) {
        self.beats.lock().unwrap().push(Instant::now());
        self.by_writer[writer].fetch_add(1, Ordering::SeqCst);
    }

    /// A writer was told so many outcomes as unknown, in all.
    pub(crate) fn note_unknown(&self, writer: usize, outcomes: usize) {
        self.unknown[writer].store(outcomes, Ordering::SeqCst);
    }

    /// Whether any writer was told an outcome as unknown.
    pub(crate) fn has_unknown(&self) -> bool {
        self.unknown.iter().any(|outcomes| outcomes.load(Ordering::SeqCst) > 0)
    }

    /// One who follows has come through here.
    pub(crate) fn follow(&self, follower: usize, through: Option<SequencePosition>) {
        self.followed[follower].store(through.map_or(0, SequencePosition::get), Ordering::SeqCst);
    }

    /// Returns once all who follow have seen something above this position.
    pub(crate) async fn all_have_seen_past(&self, position: Option<SequencePosition>) {
        let position = position.map_or(0, SequencePosition::get);
        until("all followers come past a position", async || {
            self.followed.iter().all(|through| through.load(Ordering::SeqCst) > position)
        })
        .await;
    }

    /// A writer was told that the log went back.
    pub(crate) fn went_back(&self) {
        self.has_gone_back.store(true, Ordering::SeqCst);
    }

    /// Boundaries are those of a round, so that they stay short.
    pub(crate) fn round(&self) -> u32 {
        self.round.load(Ordering::SeqCst)
    }

    pub(crate) fn next_round(&self) {
        self.round.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Returns once each writer has had so many more appends acknowledged.
    pub(crate) async fn all_go_on(&self, appends: usize, when: &str) {
        let counts = || self.by_writer.iter().map(|count| count.load(Ordering::SeqCst));
        let before: Vec<_> = counts().collect();
        until(&format!("every writer goes on {when}"), async || {
            assert!(!self.has_gone_back.load(Ordering::SeqCst), "the log went back {when}");
            counts().zip(&before).all(|(now, before)| now >= before + appends)
        })
        .await;
    }

    /// The longest time without any acknowledgement after this moment.
    pub(crate) fn longest_gap_since(&self, moment: Instant) -> Duration {
        let beats = self.beats.lock().unwrap();
        let after = &beats[beats.partition_point(|beat| *beat < moment)..];
        let gaps = std::iter::once(&moment).chain(after).zip(after);
        gaps.map(|(from, to)| *to - *from).max().unwrap_or_default()
    }
}

//! Measures encoding and decoding of an event with five fields, and of an equivalent struct by `serde_json`.
//!
//! Prints both times and their ratio. Fails if the ratio is above the bound.

use std::{
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use factos::{Event, EventType};
use serde::{Deserialize, Serialize};

const BOUND: f64 = 1.3;
const ROUNDS: usize = 41;
const CALLS: u32 = 20_000;

#[derive(Debug, Event)]
enum Course {
    Closed {
        at: i64,
    },
    Enrolled {
        #[tag]
        course: String,
        #[tag]
        student: u64,
        title: String,
        seats: u32,
        at: i64,
    },
}

#[derive(Serialize, Deserialize)]
struct Enrolled {
    course: String,
    student: u64,
    title: String,
    seats: u32,
    at: i64,
}

fn time(mut call: impl FnMut()) -> Duration {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begun.elapsed() / CALLS
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e9
}

fn main() -> ExitCode {
    let (course, title) = ("rust-1".to_owned(), "Event sourcing in practice".to_owned());
    let plain = Enrolled {
        course: course.clone(),
        student: 7_001,
        title: title.clone(),
        seats: 120,
        at: 1_790_000_000,
    };
    let event = Course::Enrolled { course, student: 7_001, title, seats: 120, at: 1_790_000_000 };
    let name = EventType::from_static("Enrolled");
    let (mut derived, mut direct) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        derived.push(time(|| {
            let payload = black_box(&event).encode().expect("the event is encoded");
            let back = Course::decode(&name, 1, &payload).expect("the event is read");
            drop(black_box(back));
        }));
        direct.push(time(|| {
            let payload = serde_json::to_vec(black_box(&plain)).expect("the struct is encoded");
            let back: Enrolled = serde_json::from_slice(&payload).expect("the struct is read");
            drop(black_box(back));
        }));
    }
    let (derived, direct) = (median(derived), median(direct));
    let ratio = derived / direct;
    println!(
        "encode + decode: derived {derived:.0} ns, serde_json {direct:.0} ns, ratio {ratio:.2}"
    );
    if ratio > BOUND {
        eprintln!("the ratio is above {BOUND}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

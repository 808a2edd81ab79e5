//! A few fixture types stand for every store, so that the suite is compiled a few times and not a
//! hundred.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

use factos::{
    EventStore, Limits,
    conformance::{Case, Fault, Fixture, cases},
};

/// A log on which stores are opened.
pub(crate) trait AnyLog: Send + Sync {
    /// Opens another handle.
    fn open(&self) -> Box<dyn EventStore>;

    /// Causes a fault, or ends it. `false` if it cannot.
    fn set_fault(&self, fault: Fault, is_there: bool) -> bool {
        let _ = (fault, is_there);
        false
    }

    /// How many flushes of the log have begun.
    fn flushes(&self) -> u64;
}

/// Makes the logs that the cases run on.
pub(crate) type MakeLog = fn() -> Box<dyn AnyLog>;

/// So many stores run the suite at once: while one waits, others go on.
const COUNT: usize = 8;

static FIXTURES: [SharedFixture; COUNT] = [const { SharedFixture::new() }; COUNT];

/// The cases on the logs of each number.
const CASES: [fn() -> Cases; COUNT] = [
    Cases::on::<0>,
    Cases::on::<1>,
    Cases::on::<2>,
    Cases::on::<3>,
    Cases::on::<4>,
    Cases::on::<5>,
    Cases::on::<6>,
    Cases::on::<7>,
];

/// The cases of the suite on logs of one kind.
pub(crate) struct Cases {
    pub(crate) all: Vec<Case>,
    /// The same ones in the same order, which hang earlier.
    pub(crate) hasty: Vec<Case>,
}

impl Cases {
    fn on<const NUMBER: usize>() -> Self {
        Self { all: cases::<Log<NUMBER, false>>(), hasty: cases::<Log<NUMBER, true>>() }
    }
}

/// What the fixture type of one number makes at present.
struct SharedFixture {
    taken: Mutex<()>,
    make: Mutex<Option<MakeLog>>,
}

/// A log of a number. In haste a case counts as hanging earlier, which is for cases that must fail.
struct Log<const NUMBER: usize, const HASTY: bool>(Box<dyn AnyLog>);

impl<const NUMBER: usize, const HASTY: bool> Fixture for Log<NUMBER, HASTY> {
    type Store = Box<dyn EventStore>;

    const MODEL_CASES: u32 = 90;
    const LIMITS: Option<Limits> = Some(Limits::FLOOR);
    const SEED: Option<u64> = Some(5);
    const SOON: Duration = Duration::from_secs(2);
    const PATIENCE: Duration = Duration::from_secs(if HASTY { 3 } else { 15 });

    async fn fresh() -> Self {
        let make = lock(&FIXTURES[NUMBER].make).expect("a fixture that is taken");
        Self(make())
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.0.set_fault(fault, true)
    }

    async fn heal(&self, fault: Fault) {
        self.0.set_fault(fault, false);
    }

    async fn connect(&self) -> Box<dyn EventStore> {
        self.0.open()
    }

    async fn flushes(&self) -> Option<u64> {
        Some(self.0.flushes())
    }
}

impl SharedFixture {
    const fn new() -> Self {
        Self { taken: Mutex::new(()), make: Mutex::new(None) }
    }
}

/// Calls a function with the cases on such logs, once a fixture type is free.
pub(crate) fn with_cases<T>(make: MakeLog, run: impl FnOnce(&Cases) -> T) -> T {
    let (number, _taken) = take();
    *lock(&FIXTURES[number].make) = Some(make);
    run(&CASES[number]())
}

fn take() -> (usize, MutexGuard<'static, ()>) {
    loop {
        for (number, fixture) in FIXTURES.iter().enumerate() {
            match fixture.taken.try_lock() {
                Ok(taken) => return (number, taken),
                Err(TryLockError::Poisoned(taken)) => return (number, taken.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

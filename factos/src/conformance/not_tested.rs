use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Mutex, PoisonError},
};

/// What this process has said.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Says in the output, once, what a case cannot test with its fixture. The test harness shows nothing of a test that
/// passes, so this is written past it.
pub(super) fn not_tested(what: &str) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(what.to_owned()) {
        // Where nobody listens, nobody is told.
        drop(writeln!(std::io::stderr().lock(), "not tested: {what}"));
    }
}

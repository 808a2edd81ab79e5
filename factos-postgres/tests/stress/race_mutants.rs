//! Sleeps between a position and its commit, and SQL that is wrong in one way.

use crate::support::Schema;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaceMutant {
    None,
    NoLocks,
    PositionsBeforeLocks,
    NoBarrier,
    NoFloorMarks,
    SerializableInsteadOfLocks,
}

const SLEEP: &str =
    "PERFORM pg_sleep(CASE WHEN random() < 0.02 THEN 0.03 ELSE random() * 0.003 END);";

impl RaceMutant {
    /// Replaces functions of the log: always with sleeps, and with what is wrong.
    pub(crate) async fn apply(self, schema: &Schema) {
        let sql = Functions(schema.config().sql(), schema.name.clone());
        let mut take = sql.function("_take");
        let mut insert = sql.function("_insert");
        swap(&mut insert, "RETURN ARRAY[n];", &format!("{SLEEP} RETURN ARRAY[n];"));
        swap(&mut insert, " RETURN revs;\n", &format!(" {SLEEP} RETURN revs;\n"));
        if schema.mode == factos_postgres::Mode::Keyed {
            let start = take.find(" IF n = 1").unwrap();
            let end = start + take[start..].find('\n').unwrap();
            take.replace_range(start..end, "");
            swap(&mut take, " RETURN r;", &format!(" {SLEEP} RETURN r;"));
        }
        let mut changed = Vec::new();
        match self {
            Self::None => {}
            Self::NoLocks => changed.push(sql.without_locks()),
            Self::PositionsBeforeLocks => changed.push(sql.with_positions_first()),
            Self::NoBarrier => {
                let mut barrier = sql.function("_barrier");
                let lock = format!("held := {}_lock(names, excl, patient);", sql.prefix());
                swap(&mut barrier, &lock, "");
                changed.push(barrier);
            }
            Self::NoFloorMarks => {
                let start = take.find(" v := pg_advisory_xact_lock_shared").unwrap();
                let end = start + take[start..].find('\n').unwrap();
                take.replace_range(start..end, "");
            }
            Self::SerializableInsteadOfLocks => {
                changed.push(sql.without_locks());
                let mut guard = sql.function("_guard");
                swap(&mut guard, "BEGIN\n", "BEGIN\n RETURN;\n");
                changed.push(guard);
            }
        }
        changed.extend([take, insert]);
        schema.run(&changed.join("\n")).await;
    }
}

/// The SQL of a log, and its schema.
struct Functions(String, String);

impl Functions {
    fn prefix(&self) -> String {
        format!("\"{}\".", self.1)
    }

    /// The statement that replaces a function by itself.
    fn function(&self, name: &str) -> String {
        let begin = format!("CREATE FUNCTION {}{name}(", self.prefix());
        let start = self.0.find(&begin).unwrap_or_else(|| panic!("no function {name}"));
        let end = start + self.0[start..].find("END $$;").unwrap() + "END $$;".len();
        self.0[start..end].replacen("CREATE", "CREATE OR REPLACE", 1)
    }

    fn without_locks(&self) -> String {
        let mut lock = self.function("_lock");
        swap(&mut lock, "BEGIN\n", "BEGIN\n RETURN NULL;\n");
        lock
    }

    fn with_positions_first(&self) -> String {
        let mut append = self.function("append");
        let prefix = self.prefix();
        swap(&mut append, "v text;\nBEGIN\n", "v text; early bigint[];\nBEGIN\n");
        let lock = format!("held := {prefix}_lock(names, excl, patient);");
        swap(&mut append, &lock, &format!("early := {prefix}_take(n); {lock}"));
        swap(&mut append, &format!("pos := {prefix}_take(n);"), "pos := early;");
        let rest = format!("pos := {prefix}_take(cardinality(keep));");
        swap(&mut append, &rest, "pos := early[1:cardinality(keep)];");
        append
    }
}

/// Replaces a text that must be there.
fn swap(sql: &mut String, from: &str, to: &str) {
    assert!(sql.contains(from), "no {from:?} in {sql}");
    *sql = sql.replacen(from, to, 1);
}

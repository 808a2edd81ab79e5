//! SQL that is wrong in one way, and sleeps between a position and its commit that make races likely.

use crate::support::Schema;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaceMutant {
    /// Nothing is wrong.
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
        let log = Functions { sql: schema.config().sql(), schema: schema.name.clone() };
        let mut take = log.function("_take_positions");
        let mut insert = log.function("_insert");
        swap(&mut insert, "RETURN ARRAY[revision];", &format!("{SLEEP} RETURN ARRAY[revision];"));
        swap(&mut insert, "RETURN revisions;", &format!("{SLEEP} RETURN revisions;"));
        if schema.mode == factos_postgres::Mode::Keyed {
            // A single position is taken as several are, so that it is slept after as well.
            swap(&mut take, "IF wanted = 1 THEN", "IF false THEN");
            swap(&mut take, "RETURN positions;", &format!("{SLEEP} RETURN positions;"));
        }
        let mut changed = Vec::new();
        match self {
            Self::None => {}
            Self::NoLocks => changed.push(log.without_locks()),
            Self::PositionsBeforeLocks => changed.push(log.with_positions_first()),
            Self::NoBarrier => {
                let mut barrier = log.function("_barrier");
                swap(&mut barrier, &log.locking(), "");
                changed.push(barrier);
            }
            Self::NoFloorMarks => {
                let start = take.find("ignored := pg_advisory_xact_lock_shared").unwrap();
                let end = start + take[start..].find('\n').unwrap();
                take.replace_range(start..end, "");
            }
            Self::SerializableInsteadOfLocks => {
                changed.push(log.without_locks());
                let mut check = log.function("_check_isolation");
                swap(&mut check, "BEGIN\n", "BEGIN\n  RETURN;\n");
                changed.push(check);
            }
        }
        changed.extend([take, insert]);
        schema.run(&changed.join("\n")).await;
    }
}

/// The functions of a log.
struct Functions {
    sql: String,
    schema: String,
}

impl Functions {
    fn qualified(&self, name: &str) -> String {
        format!("\"{}\".{name}", self.schema)
    }

    /// The statement that replaces a function by itself.
    fn function(&self, name: &str) -> String {
        let begin = format!("CREATE FUNCTION {}(", self.qualified(name));
        let start = self.sql.find(&begin).unwrap_or_else(|| panic!("no function {name}"));
        let end = start + self.sql[start..].find("END $$;").unwrap() + "END $$;".len();
        self.sql[start..end].replacen("CREATE", "CREATE OR REPLACE", 1)
    }

    /// The statement that takes the locks, in an append and in a barrier.
    fn locking(&self) -> String {
        format!("held := {}(names, exclusive, may_wait);", self.qualified("_lock"))
    }

    fn without_locks(&self) -> String {
        let mut lock = self.function("_lock");
        swap(&mut lock, "BEGIN\n", "BEGIN\n  RETURN NULL;\n");
        lock
    }

    fn with_positions_first(&self) -> String {
        let mut append = self.function("append");
        let take =
            |events: &str| format!("{}(cardinality({events}))", self.qualified("_take_positions"));
        let locking = self.locking();
        swap(&mut append, "  accepted int[];\n", "  accepted int[];\n  early bigint[];\n");
        swap(&mut append, &format!("positions := {};", take("ids")), "positions := early;");
        swap(
            &mut append,
            &format!("positions := {};", take("accepted")),
            "positions := early[1:cardinality(accepted)];",
        );
        swap(&mut append, &locking, &format!("early := {}; {locking}", take("ids")));
        append
    }
}

/// Replaces a text that must be there.
fn swap(sql: &mut String, from: &str, to: &str) {
    assert!(sql.contains(from), "no {from:?} in {sql}");
    *sql = sql.replacen(from, to, 1);
}

//! Parts of conditions, which name no operator that a `search_path` might lead elsewhere.

use factos_consumer::port::{ConsumerId, PartitionId};

use super::literal::Text;

pub(super) const EQ: &str = "OPERATOR(pg_catalog.=)";
pub(super) const LT: &str = "OPERATOR(pg_catalog.<)";
pub(super) const LE: &str = "OPERATOR(pg_catalog.<=)";
pub(super) const GT: &str = "OPERATOR(pg_catalog.>)";
pub(super) const NOW: &str = "pg_catalog.clock_timestamp()";

/// Whether a row, of this name in the statement, is of a version.
pub(super) fn of_consumer(row: &str, id: &ConsumerId) -> String {
    let ConsumerId { name, version } = id;
    format!("{row}.name {EQ} {} AND {row}.version {EQ} {version}", Text(name))
}

/// Whether a row is of a partition.
pub(super) fn of_partition(row: &str, id: &PartitionId) -> String {
    format!("{} AND {row}.number {EQ} {}", of_consumer(row, &id.consumer), id.number)
}

/// Whether the lease of the partition in a row has run out or was given back.
pub(super) fn is_free(row: &str) -> String {
    format!("({row}.owner IS NULL OR {row}.leased_until {LE} {NOW})")
}

/// Whether a slot of a row is one of a partition.
pub(super) fn is_of_slot(row: &str, number: u32, partitions: u32) -> String {
    let partitions = partitions.max(1);
    format!("({row}.slot OPERATOR(pg_catalog.%) {partitions}::pg_catalog.int8) {EQ} {number}")
}

/// In how many microseconds it is that time.
pub(super) fn microseconds_until(time: &str) -> String {
    format!(
        "(pg_catalog.date_part('epoch', {time} OPERATOR(pg_catalog.-) {NOW}) \
         OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8)::pg_catalog.int8"
    )
}

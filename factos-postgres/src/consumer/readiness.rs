//! Whether something that waits for leases to end can be done.

use super::{
    condition::{EQ, is_free},
    tables::Tables,
};

/// The condition on the row of a version that its partitions can be replaced by others, or that it can take over those
/// of a version before.
pub(super) fn is_ready(row: &str, tables: &Tables) -> String {
    let Tables { consumer, partition, .. } = tables;
    let own = format!("p.name {EQ} {row}.name AND p.version {EQ} {row}.version");
    let retired = format!(
        "{consumer} d JOIN {partition} p ON p.name {EQ} d.name AND p.version {EQ} d.version
         WHERE d.name {EQ} {row}.name AND d.state {EQ} 'retired'"
    );
    let is_free = is_free("p");
    format!(
        "(({row}.resize_to IS NOT NULL AND EXISTS (SELECT FROM {partition} p WHERE {own})
           AND NOT EXISTS (SELECT FROM {partition} p WHERE {own} AND NOT ({is_free}
             AND ({row}.resize_until IS NULL
               OR p.position OPERATOR(pg_catalog.>=) {row}.resize_until) IS TRUE)))
          OR ({row}.state {EQ} 'live' AND NOT EXISTS (SELECT FROM {partition} p WHERE {own})
           AND EXISTS (SELECT FROM {retired}) AND NOT EXISTS (SELECT FROM {retired} AND NOT {is_free})))"
    )
}

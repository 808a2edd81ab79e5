//! Cases of how consumers become known.

use super::{
    handle::Handle,
    parallel::at_once,
    port_calls::{commit, lease, park, partition_row, positions, row, told},
    sample_values::{
        LONG, anchor, at, beat, moves, orders, parked, partition, partition_of, rebuilt,
        starting_at, taking_over,
    },
    tables::Tables,
};
use crate::port::{ConsumerId, ConsumerState, ParkedCount, PortError, Registration, Succession};

/// The first version of a consumer is live, whichever number it has, with as many partitions as it was registered with,
/// at the start of the log and free.
pub async fn the_first_version_is_live(tables: Tables) {
    let handle = tables.connect().await;
    assert_eq!(handle.consumers().await, [], "fresh tables have no consumers");
    for (name, succession) in [("orders", Succession::Rebuild), ("mails", Succession::TakeOver)] {
        let consumer = ConsumerId::new(name, 3);
        let registration = Registration { consumer: consumer.clone(), succession, ..rebuilt(3, 4) };
        let state = handle.register(&registration).await;
        assert_eq!(state, ConsumerState::Live, "the first version of {name} is live");
        let row = row(&handle, &consumer).await;
        assert_eq!(row.state, ConsumerState::Live, "the first version of {name} is shown as live");
        assert_eq!(row.succession, succession, "the succession is as it was registered");
        assert_eq!((row.resize, row.retry_in), (None, None), "a new version of {name}");
        let numbers: Vec<_> = row.partitions.iter().map(|partition| partition.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3], "the partitions of {name}");
        for partition in &row.partitions {
            let found = (partition.position, &partition.owner, partition.free_in.is_zero());
            assert_eq!(found, (None, &None, true), "a new partition is at the start and free");
            assert_eq!(partition.error, None, "a new partition has no error");
        }
    }
}

/// A further version of a consumer that is rebuilt is beside the live one and starts with the log, and leaves the live
/// one as it is.
pub async fn a_rebuilt_version_is_beside_the_live_one(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(5, 2)).await;
    let live = partition_of(5, 0);
    let grant = lease(&handle, "a", &live).await;
    commit(&handle, moves(&live, grant.token, 0, 10)).await;
    park(&handle, &partition_of(5, 1), [parked(7, Some("x"))]).await;
    for version in [6, 2] {
        let state = handle.register(&rebuilt(version, 3)).await;
        assert_eq!(state, ConsumerState::Beside, "v{version} beside v5, which is live");
        let found = positions(&handle, &orders(version)).await;
        assert_eq!(found, [0, 0, 0], "v{version} starts with the log");
        let found = handle.count_parked(&orders(version)).await;
        assert_eq!(found, ParkedCount::default(), "v{version} has nothing parked");
        let grant = lease(&handle, "b", &partition_of(version, 0)).await;
        assert_eq!((grant.anchor, grant.blocked), (None, vec![]), "v{version} starts anew");
    }
    assert_eq!(row(&handle, &orders(5)).await.state, ConsumerState::Live, "v5 stays live");
    assert_eq!(positions(&handle, &orders(5)).await, [10, 0], "v5 stays where it is");
    commit(&handle, moves(&live, grant.token, 10, 20)).await;
}

/// A version that is known keeps its state, position and leases, however often it is registered.
pub async fn a_known_version_keeps_its_state(tables: Tables) {
    let handle = tables.connect().await;
    for version in [1, 2, 3] {
        handle.register(&rebuilt(version, 1)).await;
    }
    handle.retire(&orders(3)).await.unwrap();
    let grant = lease(&handle, "a", &partition(0)).await;
    commit(&handle, moves(&partition(0), grant.token, 0, 10)).await;
    let states = [ConsumerState::Live, ConsumerState::Beside, ConsumerState::Retired];
    for (version, right) in (1..).zip(states) {
        let state = tables.connect().await.register(&rebuilt(version, 1)).await;
        assert_eq!(state, right, "v{version}, registered once more");
        assert_eq!(row(&handle, &orders(version)).await.state, right, "v{version} as it is shown");
    }
    commit(&handle, moves(&partition(0), grant.token, 10, 20)).await;
    let found = partition_row(&handle, &partition(0)).await;
    assert_eq!(found.position, at(20), "a known version stays where it is");
    handle.promote(&orders(2), None).await.unwrap();
    for (version, right) in [(1, ConsumerState::Beside), (2, ConsumerState::Live)] {
        let state = handle.register(&rebuilt(version, 1)).await;
        assert_eq!(state, right, "v{version}, registered once more after v2 was promoted");
    }
}

/// A consumer has a partition at least, even if it is registered with none.
pub async fn there_is_a_partition_at_least(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(1, 0)).await;
    assert_eq!(positions(&handle, &orders(1)).await, [0], "registered with no partition");
    let grant = lease(&handle, "a", &partition(0)).await;
    assert_eq!(grant.partitions, 1, "the partitions that a grant tells");
}

/// Names are apart unless they are equal byte for byte, and consumers are shown by name and version: names byte by byte,
/// versions as numbers.
pub async fn names_are_equal_only_byte_for_byte(tables: Tables) {
    let handle = tables.connect().await;
    let names =
        ["orders", "Orders", "orders ", "ordèrs", "orde\u{300}rs", "a\nb", "'\"%_\\", "Z", "b"];
    for (name, version) in names.iter().flat_map(|name| [(name, 10), (name, 9)]) {
        let consumer = ConsumerId::new(*name, version);
        let registration = Registration { consumer, ..rebuilt(version, 1) };
        let state = handle.register(&registration).await;
        let right = if version == 10 { ConsumerState::Live } else { ConsumerState::Beside };
        assert_eq!(state, right, "v{version} of {name:?}");
    }
    let mut right: Vec<_> = names
        .iter()
        .flat_map(|name| [9, 10].map(|version| ConsumerId::new(*name, version)))
        .collect();
    right.sort();
    let found: Vec<_> = handle.consumers().await.into_iter().map(|row| row.consumer).collect();
    assert_eq!(found, right, "all versions of all consumers, by name and version");
}

/// Many processes that register the same version at once make one of it, and each is told that it is live.
pub async fn a_version_registered_at_once_is_one(tables: Tables) {
    let handles = tables.handles::<6>().await;
    let states = at_once(
        handles.into_iter().map(|handle| async move { handle.register(&rebuilt(1, 4)).await }),
    );
    assert_eq!(states.await, [ConsumerState::Live; 6], "one version that is registered at once");
    let handle = tables.connect().await;
    assert_eq!(positions(&handle, &orders(1)).await, [0; 4], "its partitions");
    assert_eq!(handle.consumers().await.len(), 1, "one version that was registered six times");
}

/// Of many versions that are registered at once, one is live.
pub async fn one_of_many_versions_registered_at_once_is_live(tables: Tables) {
    let handles = tables.handles::<6>().await;
    for round in 0..30 {
        let succession = [Succession::Rebuild, Succession::TakeOver][round % 2];
        let name = format!("orders {round}");
        let states = at_once(handles.iter().cloned().zip(1..).map(|(handle, version)| {
            let consumer = ConsumerId::new(&name, version);
            async move {
                handle.register(&Registration { consumer, succession, ..rebuilt(version, 2) }).await
            }
        }));
        states.await;
        let rows = handles[0].consumers().await;
        let of_name = rows.iter().filter(|row| row.consumer.name == name);
        let live = of_name.filter(|row| row.state == ConsumerState::Live).map(|row| &row.consumer);
        let live: Vec<_> = live.collect();
        assert_eq!(live.len(), 1, "versions of {name} that are live: {live:?}");
        if succession == Succession::TakeOver {
            assert_eq!(live[0].version, 6, "the highest version that takes over is live");
        }
    }
}

/// A version that is new and takes over from none starts where it is registered to, with each of its partitions, also beside
/// the live one.
pub async fn a_new_version_starts_where_it_is_to(tables: Tables) {
    let handle = tables.connect().await;
    for (version, start) in [(1, 7), (2, 12), (3, 0)] {
        handle.register(&starting_at(start, rebuilt(version, 2))).await;
        let found = positions(&handle, &orders(version)).await;
        assert_eq!(found, [start, start], "v{version} starts at {start}");
        let grant = lease(&handle, "a", &partition_of(version, 1)).await;
        let right = at(start).map(|_| anchor(start));
        assert_eq!(grant.anchor, right, "the anchor that v{version} starts from");
        commit(&handle, moves(&partition_of(version, 1), grant.token, start, 20)).await;
        let found = positions(&handle, &orders(version)).await;
        assert_eq!(found, [start, 20], "v{version} goes on from {start}");
    }
}

/// A version that is known stays where it is, whatever it is registered to start at, and also if it is at the start of the
/// log.
pub async fn a_start_moves_no_known_version(tables: Tables) {
    let handle = tables.connect().await;
    for (version, start) in [(1, 0), (2, 7)] {
        handle.register(&starting_at(start, rebuilt(version, 1))).await;
        for other in [9, 5, 0] {
            handle.register(&starting_at(other, rebuilt(version, 1))).await;
            let found = positions(&handle, &orders(version)).await;
            assert_eq!(found, [start], "v{version}, registered again to start at {other}");
        }
        let grant = lease(&handle, "a", &partition_of(version, 0)).await;
        commit(&handle, moves(&partition_of(version, 0), grant.token, start, 8)).await;
        handle.register(&starting_at(50, rebuilt(version, 1))).await;
        let found = positions(&handle, &orders(version)).await;
        assert_eq!(found, [8], "v{version}, registered again once it has moved");
        commit(&handle, moves(&partition_of(version, 0), grant.token, 8, 10)).await;
    }
}

/// Of several starts that are registered at once one is the start, of all partitions.
pub async fn of_starts_at_once_one_counts(tables: Tables) {
    let handles = tables.handles::<6>().await;
    at_once(handles.into_iter().zip(0..).map(|(handle, start)| async move {
        handle.register(&starting_at(start, rebuilt(1, 3))).await
    }))
    .await;
    let handle = tables.connect().await;
    let found = positions(&handle, &orders(1)).await;
    let start = found[0];
    assert!(start < 6 && found == [start; 3], "one start of all partitions: {found:?}");
    let grant = lease(&handle, "a", &partition(2)).await;
    assert_eq!(grant.anchor, at(start).map(|_| anchor(start)), "the anchor of that start");
}

/// What takes over goes on where the live version is, wherever it is registered to start.
pub async fn what_takes_over_has_no_start(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&starting_at(7, taking_over(2, 1))).await;
    for version in [3, 1] {
        handle.register(&starting_at(50, taking_over(version, 1))).await;
    }
    assert_eq!(positions(&handle, &orders(3)).await, [7], "v3 is where v2 was");
    handle.promote(&orders(1), None).await.unwrap();
    handle.beat(&beat("a", &[1], LONG)).await;
    assert_eq!(positions(&handle, &orders(1)).await, [7], "v1, promoted, is where v3 was");
}

/// A version that has not moved from its start is divided there at once.
pub async fn a_start_is_kept_when_a_version_is_divided(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&starting_at(7, rebuilt(1, 2))).await;
    for count in [5, 3] {
        handle.register(&starting_at(9, rebuilt(1, count))).await;
        let found = positions(&handle, &orders(1)).await;
        assert_eq!(found, vec![7; count as usize], "{count} partitions of one that starts at 7");
    }
}

/// All versions of a name are of one kind: what would take over from a version that is rebuilt is refused, and the other
/// way round, also if it is retired, or the same version; nothing is kept of it.
pub async fn versions_of_a_name_are_of_one_kind(tables: Tables) {
    let handle = tables.connect().await;
    handle.register(&rebuilt(2, 1)).await;
    handle.register(&rebuilt(3, 1)).await;
    handle.retire(&orders(3)).await.unwrap();
    handle.promote(&orders(2), None).await.unwrap();
    let before = handle.consumers().await;
    for version in [1, 2, 3, 4] {
        assert_other_kind(&handle, &taking_over(version, 2), &[2, 3]).await;
    }
    assert_eq!(handle.consumers().await, before, "a version that was refused leaves nothing");
    let other = Registration { consumer: ConsumerId::new("mails", 1), ..taking_over(1, 1) };
    handle.register(&other).await;
    let other = Registration { succession: Succession::Rebuild, ..other };
    assert_other_kind(&handle, &other, &[1]).await;
    handle.register(&rebuilt(4, 1)).await;
}

async fn assert_other_kind(handle: &Handle, registration: &Registration, kept_are: &[u32]) {
    let rule = "a version of another kind than those of its name is refused";
    match handle.try_register(registration).await {
        Err(PortError::OtherKind { consumer, succession, kept }) => {
            let found = (consumer, succession);
            let right = (registration.consumer.clone(), registration.succession);
            assert_eq!(found, right, "{rule}: what the error names");
            let is_kept = kept.name == right.0.name && kept_are.contains(&kept.version);
            assert!(is_kept, "{rule}: {kept}, which the error names as kept");
        }
        Err(error) => panic!("{rule}: and this came to {}", told(&error)),
        Ok(state) => panic!("{rule}: and {registration:?} is {}", state.as_str()),
    }
}

/// Of versions of both kinds that are registered at once those of one kind are known.
pub async fn of_kinds_at_once_one_counts(tables: Tables) {
    let handles = tables.handles::<6>().await;
    let states = at_once(handles.into_iter().zip(1..).map(|(handle, version)| async move {
        let registration =
            if version % 2 == 0 { taking_over(version, 1) } else { rebuilt(version, 1) };
        let outcome = handle.try_register(&registration).await;
        match outcome {
            Ok(_) => Some(registration.succession),
            Err(PortError::OtherKind { .. }) => None,
            Err(error) => panic!("registered, or of another kind, and not {}", told(&error)),
        }
    }))
    .await;
    let kept: Vec<_> = tables.connect().await.consumers().await;
    let kind = kept[0].succession;
    assert!(kept.iter().all(|row| row.succession == kind), "versions of one kind: {kept:?}");
    let known = states.into_iter().flatten();
    assert_eq!(known.collect::<Vec<_>>(), vec![kind; 3], "the versions of that kind are known");
}

//! Cases of how consumers become known.

use super::{
    parallel::at_once,
    port_calls::{commit, lease, park, partition_row, positions, row},
    sample_values::{at, moves, orders, parked, partition, partition_of, rebuilt},
    tables::Tables,
};
use crate::port::{ConsumerId, ConsumerState, ParkedCount, Registration, Succession};

/// The first version of a consumer is live, whichever number it has, with as many partitions as it was registered with,
/// at the start of the log and free.
pub async fn the_first_version_is_live(tables: Tables) {
    let handle = tables.connect().await;
    assert_eq!(handle.consumers().await, [], "fresh tables have no consumers");
    for (name, succession) in [("orders", Succession::Rebuild), ("mails", Succession::TakeOver)] {
        let consumer = ConsumerId::new(name, 3);
        let registration = Registration { consumer: consumer.clone(), partitions: 4, succession };
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
        let registration =
            Registration { consumer, partitions: 1, succession: Succession::Rebuild };
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
    for (name, succession) in [("orders", Succession::Rebuild), ("mails", Succession::TakeOver)] {
        let handles = tables.handles::<6>().await;
        let states = at_once(handles.into_iter().zip(1..).map(|(handle, version)| async move {
            let consumer = ConsumerId::new(name, version);
            handle.register(&Registration { consumer, partitions: 2, succession }).await
        }));
        states.await;
        let handle = tables.connect().await;
        let rows = handle.consumers().await;
        let of_name = rows.iter().filter(|row| row.consumer.name == name);
        let live = of_name.filter(|row| row.state == ConsumerState::Live).map(|row| &row.consumer);
        let live: Vec<_> = live.collect();
        assert_eq!(live.len(), 1, "versions of {name} that are live: {live:?}");
        if succession == Succession::TakeOver {
            assert_eq!(live[0].version, 6, "the highest version that takes over is live");
        }
    }
}

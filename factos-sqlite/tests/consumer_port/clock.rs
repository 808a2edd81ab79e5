//! A clock that is set back.

use factos_consumer::port::{Beat, Port, ProcessId};

use crate::file::{File, LONG, lease, moves, partition};

/// Has what was kept look as if the clock had been an hour ahead then.
fn set_back(file: &File) {
    let hour = 3_600_000;
    let sql = format!(
        "UPDATE factos_consumer_partition SET leased_at = leased_at + {hour};
         UPDATE factos_consumer_process SET seen_at = seen_at + {hour}"
    );
    file.sql().execute_batch(&sql).unwrap();
}

#[tokio::test]
async fn no_lease_lasts_until_a_clock_that_was_set_back_comes_there_again() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let old = lease(&consumers).await;
    set_back(&file);
    let row = consumers.consumers().await.unwrap().remove(0);
    assert_eq!(
        (row.partitions[0].owner.as_ref(), row.partitions[0].free_in.as_millis()),
        (None, 0)
    );
    // Its holder goes on, as long as nobody else was granted it.
    consumers.commit(moves(old, 0, 1), None).await.unwrap();
    let other = ProcessId("b".to_owned());
    let grant = consumers.acquire(&other, &partition(), LONG).await.unwrap().unwrap();
    assert!(grant.token > old);
    consumers.commit(moves(old, 1, 2), None).await.unwrap_err();
}

#[tokio::test]
async fn no_process_lives_until_a_clock_that_was_set_back_comes_there_again() {
    let file = File::new().await;
    let consumers = file.consumers().await;
    let beat = |process: &str| Beat {
        process: ProcessId(process.to_owned()),
        serves: vec![partition().consumer],
        held: Vec::new(),
        lease: LONG,
    };
    consumers.beat(&beat("a")).await.unwrap();
    assert_eq!(consumers.beat(&beat("b")).await.unwrap().processes.len(), 2);
    set_back(&file);
    let alive = consumers.beat(&beat("b")).await.unwrap().processes;
    assert_eq!(alive.iter().map(|alive| alive.process.0.as_str()).collect::<Vec<_>>(), ["b"]);
}

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use factos::{
    Bytes, EventStore, EventStoreExt, PageCursor, ReadOptions, Recorded, SequencePosition,
};
use factos_examples::course_subscriptions::Course;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{answer::Problem, store::Log};

#[derive(Deserialize)]
pub(crate) struct AtLeast {
    at_least: Option<u64>,
}

/// The course as its events tell it.
pub(crate) async fn course(
    State(log): State<Log>,
    Path(course): Path<String>,
    Query(AtLeast { at_least }): Query<AtLeast>,
) -> Result<Json<Value>, Problem> {
    if let Some(position) = at_least {
        until_seen(&log, position).await?;
    }
    let query = Course::query().course(&course);
    let mut events = log.events::<Course>(query, ReadOptions::all()).await?;
    let (mut capacity, mut students) = (None, Vec::new());
    while let Some(record) = events.next().await {
        match record?.event {
            Course::Defined { capacity: now, .. }
            | Course::CapacityChanged { capacity: now, .. } => {
                capacity = Some(now);
            }
            Course::StudentSubscribed { student, .. } => students.push(student),
        }
    }
    let capacity = capacity.ok_or_else(Problem::no_such_course)?;
    Ok(Json(json!({ "course": course, "capacity": capacity, "students": students })))
}

/// How long a reader waits for what another process wrote.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until the log has come to a position that a client was told of.
async fn until_seen(log: &Log, position: u64) -> Result<(), Problem> {
    let before = SequencePosition::new(position.saturating_sub(1));
    match tokio::time::timeout(PATIENCE, log.wait_past(before)).await {
        Ok(seen) => Ok(seen.map_err(factos::Infrastructure::from)?),
        Err(_) => Err(Problem::bad_request(&"the log does not have this position")),
    }
}

#[derive(Deserialize)]
pub(crate) struct Place {
    cursor: Option<String>,
    size: Option<usize>,
}

/// The events of the course, newest first.
pub(crate) async fn history(
    State(log): State<Log>,
    Path(course): Path<String>,
    Query(place): Query<Place>,
) -> Result<Json<Value>, Problem> {
    let cursor = place.cursor.map_or(Ok(PageCursor::newest_first()), |text| text.parse());
    let cursor = cursor.map_err(|error| Problem::bad_request(&error))?;
    let size = place.size.unwrap_or(20).min(100);
    let page = log.page(Course::query().course(&course), cursor, size).await?;
    let events: Vec<_> = page.records.iter().map(Recorded::<Bytes>::json_view).collect();
    Ok(Json(json!({ "events": events, "next": page.next, "previous": page.previous })))
}

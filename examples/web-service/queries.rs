use std::time::Duration;

use axum::{
    Json,
    extract::{Path, Query, State},
};
use factos::{Bytes, EventStore, EventStoreExt, PageCursor, Recorded, SequencePosition};
use factos_consumer::Projection;
use factos_examples::{course_subscriptions::Course, tables::Tables};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::Problem,
    courses::{self, Courses},
    store::{Log, School},
};

#[derive(Deserialize)]
pub(crate) struct AtLeast {
    at_least: Option<u64>,
}

/// The course as the read model has it.
pub(crate) async fn course<P: Tables>(
    State(school): State<School<P>>,
    Path(course): Path<String>,
    Query(AtLeast { at_least }): Query<AtLeast>,
) -> Result<Json<Value>, Problem> {
    if let Some(position) = at_least.and_then(SequencePosition::new) {
        until_seen(&school, position).await?;
    }
    let course = courses::read(&school.reader, &course).await?;
    course.map(Json).ok_or_else(Problem::no_such_course)
}

/// How long a reader waits for what another process wrote, and for the read model.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until the read model has come to a position that a client was told of.
async fn until_seen<P: Tables>(
    school: &School<P>,
    position: SequencePosition,
) -> Result<(), Problem> {
    let seen = school.consumers.wait_for(Courses::<P>::NAME, position, PATIENCE).await;
    let Err(error) = seen else { return Ok(()) };
    if school.log.head().await.map_err(factos::Infrastructure::from)? < Some(position) {
        return Err(Problem::bad_request(&"the log does not have this position"));
    }
    Err(error.into())
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

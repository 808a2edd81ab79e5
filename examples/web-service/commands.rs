use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use factos::{Retry, dispatch};
use factos_examples::course_subscriptions::{Command, Enrolment};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{answer::Problem, store::Log};

#[derive(Deserialize)]
pub(crate) struct Capacity {
    capacity: usize,
}

#[derive(Deserialize)]
pub(crate) struct Student {
    student: String,
}

type Answer = Result<(StatusCode, Json<Value>), Problem>;

pub(crate) async fn define(
    State(log): State<Log>,
    Path(course): Path<String>,
    headers: HeaderMap,
    Json(Capacity { capacity }): Json<Capacity>,
) -> Answer {
    run(&log, &headers, &Command::Define { course, capacity }).await
}

pub(crate) async fn change_capacity(
    State(log): State<Log>,
    Path(course): Path<String>,
    headers: HeaderMap,
    Json(Capacity { capacity }): Json<Capacity>,
) -> Answer {
    run(&log, &headers, &Command::ChangeCapacity { course, capacity }).await
}

pub(crate) async fn subscribe(
    State(log): State<Log>,
    Path(course): Path<String>,
    headers: HeaderMap,
    Json(Student { student }): Json<Student>,
) -> Answer {
    run(&log, &headers, &Command::Subscribe { course, student }).await
}

/// Runs a command, once under the request's idempotency key if it has one. The answer tells the position that a
/// reader must have seen to see its outcome.
async fn run(log: &Log, headers: &HeaderMap, command: &Command) -> Answer {
    let pauses = (Duration::from_millis(2), Duration::from_millis(100));
    let mut attempt =
        dispatch(log, &Enrolment).retry(Retry::attempts(10).tokio_backoff(pauses.0, pauses.1));
    if let Some(key) = headers.get("idempotency-key") {
        let key = key.to_str().map_err(|error| Problem::bad_request(&error))?;
        attempt = attempt.idempotency_key(key).fingerprint_of(command).remember_no_op();
    }
    let done = attempt.run(command).await?;
    let status = if done.replayed { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(json!({ "position": done.position.map(u64::from) }))))
}

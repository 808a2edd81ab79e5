use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use factos::{Error, ErrorKind, Infrastructure, Report};
use factos_consumer::WaitError;
use factos_examples::course_subscriptions::Refusal;
use factos_postgres::sqlx;
use serde_json::json;

/// A request that was not fulfilled.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    text: String,
}

/// What each kind of error is in HTTP.
const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Domain | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Argument => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Busy | ErrorKind::Unavailable | ErrorKind::OutcomeUnknown => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Error<Refusal>> for Problem {
    fn from(error: Error<Refusal>) -> Self {
        match error {
            Error::Domain(Refusal::NoSuchCourse) => Self::no_such_course(),
            other => Self::of(other.kind(), &other),
        }
    }
}

impl From<Infrastructure> for Problem {
    fn from(error: Infrastructure) -> Self {
        Self::of(error.kind(), &error)
    }
}

impl From<WaitError> for Problem {
    fn from(error: WaitError) -> Self {
        let kind = match &error {
            WaitError::Port(error) => error.kind(),
            // The read model is behind.
            _ => ErrorKind::Busy,
        };
        Self::of(kind, &error)
    }
}

/// An error of a table that is read.
impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        use sqlx::Error as E;
        let kind = match error.downcast_ref() {
            Some(E::Io(_) | E::PoolTimedOut | E::PoolClosed) => ErrorKind::Unavailable,
            _ => ErrorKind::Broken,
        };
        let error: Box<dyn std::error::Error + Send + Sync> = error.into();
        Self::of(kind, &*error)
    }
}

impl Problem {
    fn of(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        let status = status(kind);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            // For the people who run the service, and not for the client.
            eprintln!("{}", Report::of(error));
            return Self { status, text: "something is broken".to_owned() };
        }
        Self { status, text: Report::of(error).to_string() }
    }

    pub(crate) fn no_such_course() -> Self {
        Self { status: StatusCode::NOT_FOUND, text: Refusal::NoSuchCourse.to_string() }
    }

    /// The request itself cannot be understood.
    pub(crate) fn bad_request(text: &impl ToString) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.to_string() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let answer = (self.status, Json(json!({ "error": self.text })));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            return ([(RETRY_AFTER, "1")], answer).into_response();
        }
        answer.into_response()
    }
}

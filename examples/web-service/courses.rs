//! The read model: courses and who has subscribed, in tables beside the log.

use std::{error::Error, marker::PhantomData};

use factos::{QueryFor, Recorded};
use factos_consumer::{PartitionKey, Projection};
use factos_examples::{
    course_subscriptions::Course,
    tables::{Reader, Tables, Value},
};
use serde_json::{Value as Json, json};

pub(crate) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS course (course TEXT PRIMARY KEY, capacity BIGINT NOT NULL);
    CREATE TABLE IF NOT EXISTS subscription (
      course TEXT NOT NULL, student TEXT NOT NULL, place BIGINT NOT NULL, PRIMARY KEY (course, place));";

const DEFINED: &str = "INSERT INTO course VALUES ($1, $2)";
const CHANGED: &str = "UPDATE course SET capacity = $2 WHERE course = $1";
const SUBSCRIBED: &str = "INSERT INTO subscription VALUES ($1, $2, $3)";
// One statement, so that the capacity and the students are of one moment.
const COURSE: &str = "
    SELECT CAST(capacity AS TEXT), COALESCE(CAST(place AS TEXT), ''), COALESCE(student, '')
    FROM course LEFT JOIN subscription ON subscription.course = course.course
    WHERE course.course = $1 ORDER BY place";

pub(crate) struct Courses<P>(PhantomData<fn() -> P>);

impl<P> Courses<P> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: Tables> Projection for Courses<P> {
    type Event = Course;
    type Tx = P::Tx;
    type Error = Box<dyn Error + Send + Sync>;

    const NAME: &'static str = "courses";

    fn query(&self) -> QueryFor<Course> {
        Course::query().into()
    }

    fn key(&self, record: &Recorded<Course>) -> Option<PartitionKey> {
        let (Course::Defined { course, .. }
        | Course::CapacityChanged { course, .. }
        | Course::StudentSubscribed { course, .. }) = &record.event;
        Some(PartitionKey::from(course.as_str()))
    }

    async fn apply(&self, tx: &mut P::Tx, records: &[Recorded<Course>]) -> Result<(), Self::Error> {
        for record in records {
            match &record.event {
                Course::Defined { course, capacity } => {
                    let values = [Value::Text(course), Value::Integer(i64::try_from(*capacity)?)];
                    P::write(tx, DEFINED, &values).await?;
                }
                Course::CapacityChanged { course, capacity } => {
                    let values = [Value::Text(course), Value::Integer(i64::try_from(*capacity)?)];
                    P::write(tx, CHANGED, &values).await?;
                }
                Course::StudentSubscribed { course, student } => {
                    let place = Value::Integer(record.position.get().cast_signed());
                    let values = [Value::Text(course), Value::Text(student), place];
                    P::write(tx, SUBSCRIBED, &values).await?;
                }
            }
        }
        Ok(())
    }
}

/// The course, if it was ever defined.
pub(crate) async fn read(reader: &Reader, course: &str) -> anyhow::Result<Option<Json>> {
    let rows = reader.rows(COURSE, &[Value::Text(course)]).await?;
    let Some([capacity, ..]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
    let capacity: u64 = capacity.parse()?;
    let subscribed = rows.iter().filter(|row| !row[1].is_empty());
    let students: Vec<_> = subscribed.map(|row| row[2].as_str()).collect();
    Ok(Some(json!({ "course": course, "capacity": capacity, "students": students })))
}

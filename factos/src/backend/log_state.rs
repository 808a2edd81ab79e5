use super::batch::Batch;
use crate::{
    append::{AppendCondition, NewEvent},
    append_error::{AppendError, Conflict},
    event_id::EventId,
    position::SequencePosition,
    query::Query,
    revision::Revision,
    stream_name::StreamName,
};

/// The questions that the checks of an append ask of the log, within the lock or transaction that appends.
pub trait LogState {
    /// The error of a log that could not be asked.
    type Error;

    /// One id of the events that is in the log already.
    ///
    /// # Errors
    /// The log could not be asked.
    fn taken_id(&mut self, events: &[NewEvent]) -> Result<Option<EventId>, Self::Error>;

    /// The position of one event after `after` that matches the query; best the first.
    ///
    /// # Errors
    /// The log could not be asked.
    fn first_match(
        &mut self,
        query: &Query,
        after: Option<SequencePosition>,
    ) -> Result<Option<SequencePosition>, Self::Error>;

    /// The revision of a stream.
    ///
    /// # Errors
    /// The log could not be asked.
    fn revision(&mut self, stream: &StreamName) -> Result<Revision, Self::Error>;
}

/// The reason why the log refuses a batch; none if it may be written.
///
/// Ids come before the conditions, so that a batch that is sent again is told by its ids.
///
/// # Errors
/// The log could not be asked.
pub fn refusal<L: LogState + ?Sized>(
    log: &mut L,
    batch: &Batch,
) -> Result<Option<AppendError>, L::Error> {
    if let Some(id) = log.taken_id(batch.events())? {
        return Ok(Some(AppendError::DuplicateEventId(id)));
    }
    if let Some(exists) = batch.exists()
        && let Some(position) = log.first_match(exists, None)?
    {
        let query = exists.clone();
        return Ok(Some(Conflict::EventsMatch { query, after: None, position }.into()));
    }
    Ok(conflict(log, batch.condition())?.map(AppendError::Conflict))
}

fn conflict<L: LogState + ?Sized>(
    log: &mut L,
    condition: &AppendCondition,
) -> Result<Option<Conflict>, L::Error> {
    match condition {
        AppendCondition::None => Ok(None),
        AppendCondition::FailIfEventsMatch { query, after } => {
            let (query, after) = (query, *after);
            let found = log.first_match(query, after)?;
            Ok(found.map(|position| Conflict::EventsMatch {
                query: query.clone(),
                after,
                position,
            }))
        }
        AppendCondition::ExpectedRevision { stream, revision: expected } => {
            let actual = log.revision(stream)?;
            let (stream, expected) = (stream.clone(), *expected);
            let differs = actual != expected;
            Ok(differs.then_some(Conflict::Revision { stream, expected, actual }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::{event_type::EventType, limits::Limits};

    /// A log with one id, whose every query matches at 7, and whose every stream is at revision 2.
    struct Log(EventId);

    impl LogState for Log {
        type Error = Infallible;

        fn taken_id(&mut self, events: &[NewEvent]) -> Result<Option<EventId>, Infallible> {
            Ok(events.iter().map(|event| event.id).find(|id| *id == self.0))
        }

        fn first_match(
            &mut self,
            _: &Query,
            after: Option<SequencePosition>,
        ) -> Result<Option<SequencePosition>, Infallible> {
            Ok(SequencePosition::new(7).filter(|position| Some(*position) > after))
        }

        fn revision(&mut self, _: &StreamName) -> Result<Revision, Infallible> {
            Ok(Revision::Current(2))
        }
    }

    fn refused(condition: AppendCondition) -> Option<AppendError> {
        let event = NewEvent::new(EventType::from_static("A"), "");
        let batch = Batch::new(vec![event], condition, &Limits::FLOOR).unwrap();
        refusal(&mut Log(EventId::new()), &batch).unwrap()
    }

    #[test]
    fn conditions_are_compared_with_what_the_log_says() {
        let matching = AppendCondition::fail_if_events_match(Query::all());
        let told = refused(matching.clone().after(SequencePosition::new(6))).unwrap();
        assert_eq!(told.to_string(), "an event matching every event was accepted after 6, at 7");
        assert!(refused(matching.after(SequencePosition::new(7))).is_none());
        let stream = StreamName::new("s").unwrap();
        let at = |revision| AppendCondition::expected_revision(stream.clone(), revision);
        assert!(refused(at(Revision::Current(2))).is_none());
        let told = refused(at(Revision::NoEvents)).unwrap();
        assert_eq!(told.to_string(), "stream s has revision 2, expected no events");
    }

    #[test]
    fn what_must_not_exist_is_looked_for_in_the_whole_log() {
        let refused = |guard: Option<SequencePosition>| {
            let event = NewEvent::new(EventType::from_static("A"), "");
            let batch =
                Batch::unless(vec![event], Query::all(), Query::all(), guard, &Limits::FLOOR);
            refusal(&mut Log(EventId::new()), &batch.unwrap()).unwrap()
        };
        // Whatever the guard's position is.
        for after in [None, SequencePosition::new(6), SequencePosition::new(7)] {
            let told = refused(after).unwrap().to_string();
            assert_eq!(told, "an event matching every event was accepted before, at 7");
        }
    }

    #[test]
    fn ids_are_looked_at_before_the_condition() {
        let event = NewEvent::new(EventType::from_static("A"), "");
        let id = event.id;
        let condition = AppendCondition::fail_if_events_match(Query::all());
        let batch = Batch::new(vec![event], condition, &Limits::FLOOR).unwrap();
        let told = refusal(&mut Log(id), &batch).unwrap();
        assert!(matches!(told, Some(AppendError::DuplicateEventId(taken)) if taken == id));
    }
}

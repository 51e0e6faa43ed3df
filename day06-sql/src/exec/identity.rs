//! Under which names the state of queries is saved.
//!
//! ```text
//! order_summary 5f3c09aa group 0          the sink, a fingerprint of the plan, what the task does
//! result 77d0e1c2 2 source                the second of two queries that are the same
//! ```
//!
//! State means something to the query that has saved it, and to no other: the third column of a group is the third
//! aggregate of *that* SELECT. So a job whose SQL was changed since the checkpoint does not take state up that it would
//! misunderstand; it says so and ends. A query that is new beside the others begins from nothing.
//!
//! Left out: to find out which changes would do no harm, a renamed column for instance. Flink has the same question, and
//! answers it with ids that a person gives to operators.

use std::collections::BTreeMap;

use day02_state::error::Error;
use day02_state::keys::hash;
use day02_state::state::file::Snapshot;
use day05_checkpoints::ended::has_closed_all;

use super::lower::Line;
use crate::plan::Query;

/// The ids of queries.
pub(super) fn ids(queries: &[Query]) -> Vec<String> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let id = |query: &Query| {
        let fingerprint = hash(query.to_string().as_bytes()) >> 32;
        let id = format!("{} {fingerprint:08x}", query.sink.name());
        let times = times.entry(id.clone()).or_default();
        *times += 1;
        match times {
            1 => id,
            times => format!("{id} {times}"),
        }
    };
    queries.iter().map(id).collect()
}

/// The id of a task of a query.
pub(super) fn task_id(query: &str, task: &str) -> String {
    format!("{query} {task}")
}

/// An error if there is state of a query that is not run any more, or not as it was.
pub(super) fn check_restored(snapshot: &Snapshot, queries: &[Query], ids: &[String]) -> Result<(), Error> {
    let is_of = |operator: &str, id: &String| {
        let task = operator.strip_prefix(id.as_str());
        task.is_some_and(|task| [" source", " sink"].contains(&task) || task.starts_with(" group "))
    };
    let mut saved = snapshot.operators();
    let Some(unknown) = saved.find(|operator| !ids.iter().any(|id| is_of(operator, id))) else {
        return Ok(());
    };
    let same_sink = |query: &&Query| {
        let behind = unknown.strip_prefix(query.sink.name());
        behind.is_some_and(|behind| behind.starts_with(' '))
    };
    let what = match queries.iter().find(same_sink) {
        Some(query) => format!("the query of {} was another one", query.sink.name()),
        None => format!("there was a query more, {unknown:?}"),
    };
    let said = format!(
        "{what} when the checkpoint was taken; run the SQL that took it, or begin anew in another folder"
    );
    Err(Error::Restore(said.into()))
}

/// Whether the query has come to the end of its input and closed all windows, if it has any: they do not open again.
pub(super) fn has_ended(snapshot: &Snapshot, id: &str, line: &Line) -> bool {
    let mut groupings = line.groupings.iter().enumerate();
    groupings.any(|(number, grouping)| {
        grouping.window.is_some() && has_closed_all(snapshot, &task_id(id, &format!("group {number}")))
    })
}

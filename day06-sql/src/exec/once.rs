//! A query over what a view holds at this moment: one chunk through the same operators, and no job.

use day01_consumer::Error as InputError;
use day02_state::error::Error;
use day02_state::operator::Outcome;

use super::lower::{Line, Scan, lower};
use crate::aggregate::{Calls, GroupBy};
use crate::chunk::{Change, Chunk};
use crate::keyed::KeyedChunk;
use crate::plan::{Plan, Query, Sink};
use crate::view::View;

/// Whether a query is answered by what a view holds; with the name of the view.
pub fn reads_view(query: &Query) -> Option<String> {
    if query.sink != Sink::Result {
        return None;
    }
    let mut plan = &query.plan;
    while let [input] = plan.inputs()[..] {
        plan = input;
    }
    match plan {
        Plan::View { name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// Answers a query from a view.
pub fn answer(query: &Query, view: &View) -> Result<View, Error> {
    let line = lower(&query.plan)?;
    let answer = View::new(query.plan.fields());
    if line.groupings.iter().any(|grouping| grouping.window.is_some()) || matches!(line.scan, Scan::Table(..))
    {
        let said = "windows over a view are not supported yet: a view has no event time";
        return Err(InputError::Usage(said.to_string()).into());
    }
    run(&line, view, &answer).map_err(Error::Restore)?;
    Ok(answer)
}

fn run(line: &Line, view: &View, answer: &View) -> Outcome {
    let types: Vec<_> = view.fields().iter().map(|field| field.data_type).collect();
    let mut chunk = Chunk::of(types);
    for row in view.rows() {
        chunk.push(Change::Insert, &row)?;
    }
    let mut chunk = line.steps.apply(chunk)?;
    for grouping in &line.groupings {
        let keys: Vec<usize> = (0..grouping.keys.len()).collect();
        let mut groups = GroupBy::new(grouping.keys.clone(), Calls::new(grouping.calls.clone()), true);
        let mut result = Chunk::of(groups.types());
        groups.on_chunk(&KeyedChunk::by(chunk, &keys), &mut result)?;
        chunk = grouping.then.apply(result)?;
    }
    answer.apply(&chunk)
}

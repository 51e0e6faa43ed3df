//! A query over what views hold at this moment: the same graph and the same operators as in a job, called one after the other.
//!
//! All rows are there at once and none is ever taken back, so a query may ask more of a view in this way than one that goes on
//! while the view changes: its largest value, for instance.

use day01_consumer::Error as InputError;
use day02_state::error::{Error, JobError};
use day02_state::operator::Outcome;
use day03_windows::time::EventTime;

use super::graph::{Graph, Node, Work};
use super::grouping;
use super::operator::ChunkOperator;
use crate::chunk::{Change, Chunk};
use crate::join::Join;
use crate::plan::{Query, Sink};
use crate::view::{Epochs, Materialized, View};

/// Whether a query is answered by what views hold.
pub fn reads_views(query: &Query) -> bool {
    query.sink == Sink::Result && query.plan.tables().is_empty()
}

/// Answers a query from views, by their names.
pub fn answer(query: &Query, views: &[(String, View)]) -> Result<View, Error> {
    let graph = Graph::over_views(query, views)?;
    let answer = Epochs::default().view(query.plan.fields());
    let failed = |failure| JobError::Failed {
        task: "the answer from a view".to_string(),
        failure,
    };
    run(&graph, views, &answer).map_err(failed)?;
    Ok(answer)
}

fn run(graph: &Graph, views: &[(String, View)], answer: &View) -> Outcome {
    let mut given: Vec<Chunk> = Vec::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let rows = match views.get(place) {
            Some((_, view)) => rows_of(view)?,
            None => result_of(node, &given, answer)?,
        };
        given.push(rows);
    }
    Ok(())
}

/// All rows of a view.
fn rows_of(view: &View) -> Outcome<Chunk> {
    let mut chunk = Chunk::of(view.fields().iter().map(|field| field.data_type));
    for row in view.rows() {
        chunk.push(Change::Insert, &row)?;
    }
    Ok(chunk)
}

/// What an operator makes of all that was given before it.
fn result_of(node: &Node, given: &[Chunk], answer: &View) -> Outcome<Chunk> {
    let mut operator: Box<dyn ChunkOperator> = match &node.work {
        Work::Group(of) => grouping::operator(of, (0, 1)),
        Work::Join(types) => Box::new(Join::new(types.clone())),
        Work::View(fields) => {
            let mut rows = Materialized::new(fields);
            for lane in node.ports.iter().flatten() {
                rows.apply(&lane.rows(given[lane.from].clone())?.chunk)?;
            }
            answer.publish(0, rows.freeze());
            return Ok(Chunk::default());
        }
        Work::Scan(..) | Work::Sink(_) => {
            let said = "a query that reads a view once neither reads tables nor writes to them";
            return Err(InputError::Usage(said.to_string()).into());
        }
    };
    let mut result = Chunk::default();
    operator.on_start(&mut result)?;
    for (port, lanes) in node.ports.iter().enumerate() {
        for lane in lanes {
            operator.on_chunk(port, lane.rows(given[lane.from].clone())?, &mut result)?;
        }
    }
    while operator.on_watermark(EventTime::MAX, &mut result)? < EventTime::MAX {}
    Ok(result)
}

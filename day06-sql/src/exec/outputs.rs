//! What leaves a task: for each reader its rows, with what is done with them on the way.
//!
//! The rows of a chunk are copied only where there are several readers.

use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Owner, Part};

use super::graph::Lane;
use super::identity::{READERS, Served};
use crate::chunk::{Chunk, Column};
use crate::eval::evaluate;
use crate::expr::Expr;
use crate::keyed::KeyedChunk;

/// The lanes that begin at a task.
#[derive(Debug, Default, Clone)]
pub struct Outputs(Vec<Output>);

#[derive(Debug, Clone)]
struct Output {
    lane: Lane,
    /// Whether others were served in the run before, and this reader was not.
    is_new: bool,
}

impl Outputs {
    /// The lanes of an operator with this id, after a restore if `served` says so.
    pub fn new<'a>(operator: &str, lanes: impl Iterator<Item = &'a Lane>, served: &Served) -> Self {
        let output = |lane: &Lane| Output {
            lane: lane.clone(),
            is_new: served.is_new(operator, &lane.reader),
        };
        Outputs(lanes.map(output).collect())
    }

    /// What each reader gets of a chunk.
    pub fn deal(&self, chunk: Chunk) -> Outcome<Vec<KeyedChunk>> {
        if let [output] = self.0.as_slice() {
            return Ok(vec![output.lane.rows(chunk)?]);
        }
        self.0
            .iter()
            .map(|output| output.lane.rows(chunk.clone()))
            .collect()
    }

    /// The same for those readers only that are new.
    pub fn deal_to_new(&self, chunk: &Chunk) -> Outcome<Vec<KeyedChunk>> {
        let outputs = self.0.iter();
        let dealt = outputs.map(|output| match output.is_new {
            true => output.lane.rows(chunk.clone()),
            false => Ok(KeyedChunk::default()),
        });
        dealt.collect()
    }

    /// Whether any reader is new.
    pub fn has_new(&self) -> bool {
        self.0.iter().any(|output| output.is_new)
    }

    /// Who is served, for the next run.
    pub fn readers(&self) -> Part {
        let readers: Vec<&str> = self.0.iter().map(|output| output.lane.reader.as_str()).collect();
        Part {
            name: READERS.to_string(),
            owner: Owner::Every,
            bytes: readers.join("\n").into_bytes(),
        }
    }

    /// The same, as a state of its own.
    pub fn frozen_readers(&self) -> Frozen {
        let readers = self.readers();
        Frozen::new(move || vec![readers])
    }
}

impl Lane {
    /// What becomes of a chunk on this way.
    pub fn rows(&self, chunk: Chunk) -> Outcome<KeyedChunk> {
        if chunk.rows == 0 {
            return Ok(KeyedChunk::default());
        }
        let chunk = self.steps.apply(chunk)?;
        let place = |key: &Expr| match key {
            Expr::Column(place, _) => Some(*place),
            _ => None,
        };
        if let Some(places) = self.keys.iter().map(place).collect::<Option<Vec<usize>>>() {
            return Ok(KeyedChunk::by(chunk, &places));
        }
        let keys = self.keys.iter().map(|key| evaluate(key, &chunk));
        let keys = keys.collect::<Result<Vec<Column>, _>>()?;
        Ok(KeyedChunk::with(chunk, &keys.iter().collect::<Vec<_>>()))
    }
}

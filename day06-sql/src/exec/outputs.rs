//! What leaves a task: for each reader its rows, with what is done with them on the way.
//!
//! The rows of a chunk are copied only where there are several readers.

use day02_state::operator::{Batch, Failure, Outcome};
use day02_state::state::{Frozen, Owner, Part};

use super::graph::Lane;
use super::identity::{READERS, Served};
use super::steps::Step;
use crate::chunk::{Chunk, Column};
use crate::eval::{EvalError, evaluate};
use crate::expr::Expr;
use crate::keyed::KeyedChunk;

/// A row for which an expression has no value, by its place in the chunk, and why.
pub type Unfit = (u32, EvalError);

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
            return Ok(vec![output.rows(chunk)?]);
        }
        self.0.iter().map(|output| output.rows(chunk.clone())).collect()
    }

    /// The same, around rows for which a reader's expressions have no value: that reader does not get them. Gives the rows and
    /// why.
    pub fn deal_around(&self, chunk: Chunk) -> Outcome<(Vec<KeyedChunk>, Vec<Unfit>)> {
        let mut unfit = Vec::new();
        let dealt = match self.0.as_slice() {
            [output] => vec![output.lane.rows_around(chunk, &mut unfit)?],
            outputs => {
                let dealt = outputs.iter();
                let dealt = dealt.map(|output| output.lane.rows_around(chunk.clone(), &mut unfit));
                dealt.collect::<Outcome<_>>()?
            }
        };
        Ok((dealt, unfit))
    }

    /// The same for those readers only that are new.
    pub fn deal_to_new(&self, chunk: &Chunk) -> Outcome<Vec<KeyedChunk>> {
        let outputs = self.0.iter();
        let dealt = outputs.map(|output| match output.is_new {
            true => output.rows(chunk.clone()),
            false => Ok(KeyedChunk::default()),
        });
        dealt.collect()
    }

    /// Whether any reader is new.
    pub fn has_new(&self) -> bool {
        self.0.iter().any(|output| output.is_new)
    }

    /// Who is served, for the next run.
    pub fn readers(&self, owner: Owner) -> Part {
        let readers: Vec<&str> = self.0.iter().map(|output| output.lane.reader.as_str()).collect();
        Part {
            name: READERS.to_string(),
            owner,
            bytes: readers.join("\n").into_bytes(),
        }
    }

    /// The same, as a state of its own.
    pub fn frozen_readers(&self) -> Frozen {
        let readers = self.readers(Owner::First);
        Frozen::new(move || vec![readers])
    }
}

impl Output {
    /// The task belongs to who makes the rows, so an error on the way says whose expression it is.
    fn rows(&self, chunk: Chunk) -> Outcome<KeyedChunk> {
        let query = self.lane.reader.split(' ').next().unwrap_or_default();
        let rows = self.lane.rows(chunk);
        rows.map_err(|failure| format!("in the query of {query}: {failure}").into())
    }
}

impl Lane {
    /// What becomes of a chunk on this way, around rows for which an expression has no value.
    fn rows_around(&self, chunk: Chunk, unfit: &mut Vec<Unfit>) -> Outcome<KeyedChunk> {
        if self.only_takes_columns() {
            return self.rows(chunk);
        }
        match self.rows(chunk.clone()) {
            Err(failure) if is_of_a_row(&failure) => {
                let all: Vec<u32> = (0..chunk.rows as u32).collect();
                self.rows_among(&chunk, &all, unfit)
            }
            rows => rows,
        }
    }

    /// Half by half, so that a single row that is unfit is found in a few steps.
    fn rows_among(&self, chunk: &Chunk, rows: &[u32], unfit: &mut Vec<Unfit>) -> Outcome<KeyedChunk> {
        match (self.rows(chunk.gather(rows)), rows) {
            (Err(failure), [row]) => match failure.downcast::<EvalError>() {
                Ok(error) if error.is_of_a_row() => {
                    unfit.push((*row, *error));
                    Ok(KeyedChunk::default())
                }
                Ok(error) => Err(error),
                Err(failure) => Err(failure),
            },
            (Err(failure), rows) if is_of_a_row(&failure) => {
                let (first, second) = rows.split_at(rows.len() / 2);
                let mut fit = self.rows_among(chunk, first, unfit)?;
                fit.append(self.rows_among(chunk, second, unfit)?);
                Ok(fit)
            }
            (given, _) => given,
        }
    }

    /// Whether there is nothing on the way that could fail.
    fn only_takes_columns(&self) -> bool {
        let is_column = |expr: &Expr| matches!(expr, Expr::Column(..));
        let takes = |step: &Step| matches!(step, Step::Project(columns) if columns.iter().all(is_column));
        self.steps.0.iter().all(takes) && self.keys.iter().all(is_column)
    }

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

fn is_of_a_row(failure: &Failure) -> bool {
    let error = failure.downcast_ref::<EvalError>();
    error.is_some_and(EvalError::is_of_a_row)
}

//! What the job of day 2 comes to, and what can be seen of it until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Totals;
use crate::operator::{Input, Operator, Out, Outcome};
use crate::state::Part;
use crate::state::file::Snapshot;
use crate::status::{Progress, StatusBoard};

/// Something that a task of a job writes, and the one who runs the job reads.
#[derive(Debug, Default)]
pub struct Slot<T>(Arc<Mutex<T>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Slot(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    /// What is in it, for as long as the guard lives.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Slot<T> {
    /// Takes out what is in it.
    pub fn take(&self) -> T {
        std::mem::take(&mut self.lock())
    }
}

/// Where tasks leave positions and state when they end.
pub type SavedState = Slot<Snapshot>;

impl SavedState {
    /// The state of an operator, or a part of it.
    pub fn add(&self, operator: &str, parts: Vec<Part>) {
        self.lock().add(operator, parts);
    }
}

/// What the job came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Answer {
    /// All merchants, by name.
    pub merchants: Vec<(String, Totals)>,
    /// How far it has come.
    pub progress: Progress,
    /// Positions and state, if they are to be saved.
    pub snapshot: Snapshot,
}

/// By worker, its largest merchants.
pub(crate) type Largest = Slot<BTreeMap<usize, Vec<(String, Totals)>>>;

/// Where the answer is left, and what can be seen of it until then.
#[derive(Debug, Default, Clone)]
pub struct AnswerSlot {
    merchants: Slot<Vec<(String, Totals)>>,
    pub(crate) largest: Largest,
    board: StatusBoard,
    saved: SavedState,
}

impl AnswerSlot {
    pub(crate) fn new(saved: Option<SavedState>) -> Self {
        AnswerSlot {
            saved: saved.unwrap_or_default(),
            ..AnswerSlot::default()
        }
    }

    pub(crate) fn with_board(self, board: StatusBoard) -> Self {
        AnswerSlot { board, ..self }
    }

    /// The answer, once the job has ended.
    pub fn take(&self) -> Answer {
        let mut merchants = self.merchants.take();
        merchants.sort_by(|one, other| one.0.cmp(&other.0));
        Answer {
            merchants,
            progress: self.board.progress(),
            snapshot: self.saved.take(),
        }
    }

    /// The merchants worth showing while the job runs, the larger first.
    pub fn largest(&self) -> Vec<(String, Totals)> {
        let mut all: Vec<(String, Totals)> = self.largest.lock().values().flatten().cloned().collect();
        all.sort_by(|one, other| other.1.count.cmp(&one.1.count).then(one.0.cmp(&other.0)));
        all
    }

    pub(crate) fn collector(&self) -> Merchants {
        Merchants(self.merchants.clone())
    }
}

/// Puts the merchants of all workers together.
pub struct Merchants(Slot<Vec<(String, Totals)>>);

impl<C> Operator<C> for Merchants {
    type In = Vec<(String, Totals)>;
    type Out = ();

    fn on_data(&mut self, _: Input, merchants: Self::In, _: Out<'_, (), C>) -> Outcome {
        self.0.lock().extend(merchants);
        Ok(())
    }
}

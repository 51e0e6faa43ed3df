//! Rows that are their own keys, for the tests beside the runtime and for those of the crate: each imports what this needs
//! under its own paths.

use super::{Batch, Keyed, Owners, keys};

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Numbers(pub Vec<u64>);

impl Batch for Numbers {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn cut(self, rows: usize) -> Vec<Self> {
        self.0.cut(rows).into_iter().map(Numbers).collect()
    }
}

impl Keyed for Numbers {
    fn scatter(self, owners: &Owners, lanes: &mut [Self]) {
        for number in self.0 {
            lanes[owner(owners, number)].0.push(number);
        }
    }
}

pub fn owner(owners: &Owners, number: u64) -> usize {
    owners.lane(keys::hash(&number.to_le_bytes()))
}

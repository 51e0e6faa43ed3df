//! Orders of day 1's generator, and what they come to, counted from their text without any of the code under test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each file of tests uses a part of this")]

use std::collections::BTreeMap;

use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day02_state::job::Answer;

/// The header of a csv result.
pub const HEADER: &str = "merchant_id,order_count,amount_sum,amount_max\n";

/// So many orders.
pub fn options(orders: u64, seed: u64) -> GeneratorOptions {
    GeneratorOptions {
        orders,
        seed,
        ..GeneratorOptions::default()
    }
}

/// The orders themselves, one a line.
pub fn lines(options: &GeneratorOptions) -> Vec<String> {
    let mut generator = Generator::new(options.clone());
    let mut lines = Vec::new();
    while let Some(order) = generator.next_order() {
        lines.push(format!("{}\n", String::from_utf8(order.payload.clone()).unwrap()));
    }
    lines
}

/// What orders come to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counted {
    /// By merchant: how many, for how many cents, and the largest.
    merchants: BTreeMap<String, (u64, i128, i64)>,
    /// How many in all.
    pub orders: u64,
}

impl Counted {
    /// What these lines come to.
    pub fn of<T: AsRef<str>>(lines: &[T]) -> Self {
        let mut counted = Counted::default();
        for line in lines {
            counted.count(line.as_ref());
        }
        counted
    }

    fn count(&mut self, line: &str) {
        let merchant = after(line, "\"merchant_id\":\"").split('"').next().unwrap();
        let amount = after(line, "\"amount\":").split(',').next().unwrap();
        // The generator writes two decimals.
        let cents: i64 = amount.replace('.', "").parse().unwrap();
        let known = self
            .merchants
            .entry(merchant.to_string())
            .or_insert((0, 0, i64::MIN));
        *known = (known.0 + 1, known.1 + i128::from(cents), known.2.max(cents));
        self.orders += 1;
    }

    /// The result as the program prints it.
    pub fn csv(&self) -> String {
        let money = |cents: i128| format!("{}.{:02}", cents / 100, cents % 100);
        let rows = self.merchants.iter().map(|(merchant, (count, sum, max))| {
            format!("{merchant},{count},{},{}\n", money(*sum), money(i128::from(*max)))
        });
        HEADER.to_string() + &rows.collect::<String>()
    }

    /// Whether a job has come to the same.
    #[track_caller]
    pub fn assert_is(&self, answer: &Answer) {
        let merchants = answer.merchants.iter();
        let merchants: BTreeMap<String, (u64, i128, i64)> = merchants
            .map(|(name, totals)| (name.clone(), (totals.count, totals.sum, totals.max.0)))
            .collect();
        assert_eq!(merchants.len(), answer.merchants.len());
        assert_eq!(merchants, self.merchants);
    }
}

fn after<'a>(line: &'a str, what: &str) -> &'a str {
    line.split_once(what).expect(line).1
}

//! What has come out of a job, in all lives of its process together, and the verdict on it.
//!
//! Everything that came out counts, as for a reader who keeps it: a row that came out twice is there twice, and a number
//! that a dead process had printed stays printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use day01_consumer::lab::evaluator::is_due;
use day01_consumer::lab::scenario::{Question, Scenario};
use jiff::civil::Time;

/// When a window begins, if windows were asked for, and a merchant.
pub type Key = (Option<Time>, String);

/// Orders of a merchant.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub orders: u64,
    /// For how many cents in all; none from a day that counts only.
    pub cents: Option<i128>,
}

/// What has come out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Found {
    rows: BTreeMap<Key, Sum>,
    /// How many rows the job says were too late, in its last life.
    pub late: u64,
    /// How many sums were still open when somebody looked.
    pub open: usize,
}

impl Found {
    /// Nothing has come out yet; so many rows were too late, and so many sums are open, as the job says.
    pub fn nothing(late: u64, open: usize) -> Self {
        Found {
            late,
            open,
            ..Found::default()
        }
    }

    /// A row has come out.
    pub fn add(&mut self, start: Option<Time>, merchant_id: &str, orders: u64, cents: Option<i128>) {
        let sum = self.rows.entry((start, merchant_id.to_string())).or_default();
        sum.orders += orders;
        sum.cents = cents.map(|cents| sum.cents.unwrap_or_default() + cents);
    }
}

/// A way to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Orders are in no result, and nobody says so.
    Lost,
    /// Orders are in a result more than once.
    Doubled,
    /// There are results of what is no order.
    Extra,
    /// Orders are in no result because they came too late, which the job says.
    Late,
    /// A result that is due has not come out, and the job still keeps it.
    NeverFires,
}

const WAYS: [(Way, &str); 5] = [
    (Way::Lost, "lost"),
    (Way::Doubled, "doubled"),
    (Way::Extra, "extra"),
    (Way::Late, "late"),
    (Way::NeverFires, "never fires"),
];

/// What a day makes of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The right answer.
    Right,
    /// Another one, in these ways.
    Wrong(BTreeSet<Way>),
    /// It has no means to be asked.
    OutOfReach,
}

impl Verdict {
    /// The verdict on what came out, or on nothing if the day cannot be asked.
    pub fn of(scenario: &Scenario, found: Option<Found>) -> Self {
        let Some(found) = found else {
            return Verdict::OutOfReach;
        };
        let right = right(scenario);
        let due = |(start, _): &Key| start.is_none_or(|start| is_due(scenario, start));
        let keys: BTreeSet<&Key> = right
            .keys()
            .chain(found.rows.keys().filter(|key| due(key)))
            .collect();
        let none = Sum::default();
        let mut ways = BTreeSet::new();
        for key in keys {
            let (right, got) = (
                right.get(key).unwrap_or(&none),
                found.rows.get(key).unwrap_or(&none),
            );
            let cents = got.cents.unwrap_or(right.cents.unwrap_or_default());
            let (got, right) = (
                (got.orders, cents),
                (right.orders, right.cents.unwrap_or_default()),
            );
            ways.extend(match got.cmp(&right) {
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Greater if right.0 == 0 => Some(Way::Extra),
                std::cmp::Ordering::Greater => Some(Way::Doubled),
                std::cmp::Ordering::Less if found.late > 0 => Some(Way::Late),
                std::cmp::Ordering::Less if got.0 == 0 && found.open > 0 => Some(Way::NeverFires),
                std::cmp::Ordering::Less => Some(Way::Lost),
            });
        }
        match ways.is_empty() {
            true => Verdict::Right,
            false => Verdict::Wrong(ways),
        }
    }
}

/// The right answer to the question of a scenario.
fn right(scenario: &Scenario) -> BTreeMap<Key, Sum> {
    let sum = |orders: u64, amount: Option<&String>| Sum {
        orders,
        cents: amount.and_then(|amount| cents(amount)),
    };
    match scenario.question {
        Question::Totals => {
            let (counts, sums) = (&scenario.right.order_count, &scenario.right.amount_sum);
            let each = counts.iter();
            each.map(|(merchant, orders)| ((None, merchant.clone()), sum(*orders, sums.get(merchant))))
                .collect()
        }
        Question::Windows => {
            let each = scenario.windows.iter();
            each.map(|row| {
                let key = (Some(row.start), row.merchant_id.clone());
                (key, sum(row.order_count, Some(&row.amount_sum)))
            })
            .collect()
        }
    }
}

/// The cents of `27.75`, `27.5` or `27`; none if it is no amount.
pub fn cents(amount: &str) -> Option<i128> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    match fraction.len() {
        0..=2 => format!("{whole}{fraction:0<2}").parse().ok(),
        _ => None,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Right => f.pad("right"),
            Verdict::OutOfReach => f.pad("out of reach"),
            Verdict::Wrong(ways) => {
                let words = WAYS.iter().filter(|(way, _)| ways.contains(way));
                let words: Vec<&str> = words.map(|(_, word)| *word).collect();
                f.pad(&words.join(" + "))
            }
        }
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let way = |word: &str| {
            let found = WAYS.iter().find(|(_, known)| *known == word);
            found.map(|(way, _)| *way).ok_or_else(|| {
                let known: Vec<&str> = WAYS.iter().map(|(_, known)| *known).collect();
                format!("{word:?} is none of right, out of reach, {}", known.join(", "))
            })
        };
        match text {
            "right" => Ok(Verdict::Right),
            "out of reach" => Ok(Verdict::OutOfReach),
            wrong => wrong
                .split(" + ")
                .map(way)
                .collect::<Result<_, _>>()
                .map(Verdict::Wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
        title = "t"
        story = "s"
        partitions = 1
        events = '0 12:00:01.000 {"merchant_id":"m-1","amount":4.00,"ts":1767268801000}'
        [right.order_count]
        m-1 = 2
        m-2 = 1
        [right.amount_sum]
        m-1 = "4.50"
        m-2 = "1.00"
        [right.amount_max]
    "#;

    type Rows<'a> = &'a [(&'a str, u64, Option<i128>)];

    fn verdict(rows: Rows<'_>, late: u64, open: usize) -> String {
        let scenario = Scenario::parse("s", SCENARIO).expect("a scenario");
        let mut found = Found::nothing(late, open);
        for (merchant_id, orders, cents) in rows {
            found.add(None, merchant_id, *orders, *cents);
        }
        Verdict::of(&scenario, Some(found)).to_string()
    }

    #[test]
    fn each_way_to_be_wrong_is_told_from_the_others() {
        let (m1, m2) = (("m-1", 2, Some(450)), ("m-2", 1, Some(100)));
        #[rustfmt::skip]
        let table: [(Rows<'_>, u64, usize, &str); 12] = [
            (&[m1, m2],                                         0, 0, "right"),
            (&[m1, m2],                                         3, 1, "right"),
            (&[("m-1", 2, None), ("m-2", 1, None)],             0, 0, "right"),
            (&[m1],                                             0, 0, "lost"),
            (&[m1],                                             0, 1, "never fires"),
            (&[m1],                                             1, 1, "late"),
            (&[("m-1", 1, Some(400)), m2],                      0, 1, "lost"),
            (&[("m-1", 2, Some(449)), m2],                      0, 0, "lost"),
            (&[("m-1", 2, Some(451)), m2],                      0, 0, "doubled"),
            (&[m1, m1, m2],                                     0, 0, "doubled"),
            (&[m1, m2, ("m-3", 1, Some(0))],                    0, 0, "extra"),
            (&[m1, m1],                                         0, 0, "lost + doubled"),
        ];
        for (rows, late, open, said) in table {
            assert_eq!(verdict(rows, late, open), said, "{rows:?} {late} {open}");
        }
    }

    #[test]
    fn every_verdict_reads_as_it_is_written() {
        for said in [
            "right",
            "out of reach",
            "lost",
            "lost + doubled",
            "extra + late + never fires",
        ] {
            assert_eq!(
                said.parse::<Verdict>().map(|verdict| verdict.to_string()),
                Ok(said.to_string())
            );
        }
        assert!("wrong".parse::<Verdict>().is_err());
    }

    #[test]
    fn amounts_are_cents_exactly() {
        let read = ["27.75", "27.5", "27", "-0.5", "1.005", "m-1"].map(cents);
        assert_eq!(
            read,
            [Some(2_775), Some(2_750), Some(2_700), Some(-50), None, None]
        );
    }
}

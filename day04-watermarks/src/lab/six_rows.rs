//! Six bids out of order, under watermarks that wait for a shorter or longer time, and with three ways to say who is late.
//!
//! The bids are those of the documentation of Flink's window functions, in the order of arrival of the paper "One SQL to
//! Rule Them All". They are few enough to be worked out by hand.
//!
//! - [`Judged::RowAndWindow`]: a bid is late for a window that is closed. This is what the windows do.
//! - [`Judged::Row`]: a bid is late if it is behind the watermark, whatever its windows. Whoever reads drops it.
//! - [`Judged::Batch`]: the same, but a whole batch is judged by the watermark in front of it. Here all six are one batch.

use std::fmt;

use day02_state::error::Error;
use day02_state::order::Cents;
use day02_state::rows::Rows;
use day03_windows::lab::trace::{contents, failed};
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::Fired;

use super::marked::task;
use crate::generator::BoundedDisorder;

/// 2020-04-15 at eight in the morning.
const EIGHT: EventTime = EventTime(1_586_937_600_000);

/// Minutes after eight, and the price in whole units, as they arrive: A, B, C, D, E, F.
pub const BIDS: [(i64, i64); 6] = [(7, 2), (11, 3), (5, 4), (9, 5), (13, 1), (17, 6)];

/// How a bid is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// By each of its windows.
    RowAndWindow,
    /// By itself.
    Row,
    /// By itself, by the watermark in front of its batch.
    Batch,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How long the watermark waits.
    pub delay: Span,
    /// How bids were judged.
    pub judged: Judged,
    /// The sums of the windows, in order, of ten minutes.
    pub tumble: Vec<i64>,
    /// The same for windows of ten minutes that move by five.
    pub hop: Vec<i64>,
    /// How many bids are in no window.
    pub dropped: (u64, u64),
}

/// One run of the six.
pub fn run(delay: Span, judged: Judged) -> Result<Found, Error> {
    let ten = Span::seconds(600);
    let none = Span(0);
    let (tumble, of_tumble) = sums(
        WindowSpec::Tumble {
            size: ten,
            offset: none,
        },
        delay,
        judged,
    )?;
    let hop = WindowSpec::Hop {
        size: ten,
        slide: Span::seconds(300),
        offset: none,
    };
    let (hop, of_hop) = sums(hop, delay, judged)?;
    Ok(Found {
        delay,
        judged,
        tumble,
        hop,
        dropped: (of_tumble, of_hop),
    })
}

/// The table of all runs.
pub fn table() -> Result<Vec<Found>, Error> {
    let mut table = Vec::new();
    for judged in [Judged::RowAndWindow, Judged::Row, Judged::Batch] {
        for delay in [Span::seconds(1), Span::seconds(120), Span::seconds(360)] {
            table.push(run(delay, judged)?);
        }
    }
    Ok(table)
}

fn sums(spec: WindowSpec, delay: Span, judged: Judged) -> Result<(Vec<i64>, u64), Error> {
    let mut generator = BoundedDisorder::new(delay, Span::millis(1));
    let (mut task, mut fired, mut filtered) = (task(spec, Span(0)), Fired::default(), 0);
    for (minutes, price) in BIDS {
        let ts = EIGHT.plus(Span::seconds(60 * minutes));
        let value = Cents(100 * price);
        let mut rows = Rows::new();
        rows.push(b"all", Stamped { ts, value });
        match judged {
            Judged::Row if generator.watermark().is_some_and(|watermark| ts < watermark) => filtered += 1,
            _ => task.on_rows(&rows, &mut fired).map_err(failed)?,
        }
        let moved = generator.on_row(ts).filter(|_| judged != Judged::Batch);
        if let Some(watermark) = moved {
            task.on_time(watermark, &mut fired).map_err(failed)?;
        }
    }
    task.on_drained(&mut fired).map_err(failed)?;
    let sums = contents(&fired, |(sums, _)| sums);
    let sums = sums.iter().map(|content| (content.sum / 100) as i64);
    Ok((sums.collect(), filtered + fired.late.len() as u64))
}

impl Found {
    /// What stands above the lines of a table.
    pub const HEADER: &'static str = "judged by          delay   tumble:10m   hop:10m/5m     bids dropped";
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |sums: &[i64]| sums.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        let judged = match self.judged {
            Judged::RowAndWindow => "row and window",
            Judged::Row => "row",
            Judged::Batch => "row, in one batch",
        };
        write!(
            f,
            "{judged:17}  {:>5}   {:10}   {:12}   {} and {}",
            self.delay.to_string(),
            words(&self.tumble),
            words(&self.hop),
            self.dropped.0,
            self.dropped.1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published numbers, worked out again by hand.
    #[test]
    #[rustfmt::skip]
    fn the_table_is_the_one_that_was_worked_out_by_hand() {
        use Judged::{Batch, Row, RowAndWindow};
        type Case = (&'static [i64], Judged, &'static [i64], &'static [i64], (u64, u64));
        let table: [Case; 7] = [
            (&[0, 1, 60],      RowAndWindow, &[2, 10],  &[2, 15, 10, 6],  (2, 0)),
            (&[0, 1, 60],      Row,          &[2, 10],  &[2, 6, 10, 6],   (2, 2)),
            (&[120, 180, 359], RowAndWindow, &[11, 10], &[11, 15, 10, 6], (0, 0)),
            (&[120, 180, 359], Row,          &[7, 10],  &[7, 11, 10, 6],  (1, 1)),
            (&[360],           RowAndWindow, &[11, 10], &[11, 15, 10, 6], (0, 0)),
            (&[360],           Row,          &[11, 10], &[11, 15, 10, 6], (0, 0)),
            (&[0, 1, 60, 120], Batch,        &[11, 10], &[11, 15, 10, 6], (0, 0)),
        ];
        for (delays, judged, tumble, hop, dropped) in table {
            for seconds in delays {
                let found = run(Span::seconds(*seconds), judged).expect("it runs");
                let found = (found.tumble.as_slice(), found.hop.as_slice(), found.dropped);
                assert_eq!(found, (tumble, hop, dropped), "{judged:?}, {seconds} s");
            }
        }
    }
}

//! Two partitions a day apart, read in turn: how many windows are open, if the one ahead waits and if it does not.

use day01_consumer::source::Split;
use day02_state::error::Error;
use day02_state::order::Cents;
use day03_windows::lab::trace::{NOON, Placed, failed};
use day03_windows::spec::WindowSpec;
use day03_windows::time::{EventTime, Span, Stamped};
use day03_windows::windower::Fired;

use super::marked::{split, task};
use crate::alignment::Alignment;
use crate::splits::{SplitWatermarks, Strategy};
use crate::status::{HEADINGS, SplitStatus};
use crate::watermark::Watermark;

/// How many orders a poll brings, all of one partition. There is one a second.
const POLL: i64 = 5;
/// How long windows are.
const WINDOW: Span = Span::seconds(10);
const DAY: Span = Span::minutes(24 * 60);

/// How things stand after some polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// How many orders of each partition have been read.
    pub read: [i64; 2],
    /// How many windows are open.
    pub open: usize,
    /// What the status shows of each partition.
    pub statuses: Vec<SplitStatus>,
}

impl Look {
    /// The table of the status.
    pub fn table(&self) -> String {
        let lines = self.statuses.iter().map(ToString::to_string);
        let lines: Vec<String> = std::iter::once(HEADINGS.to_string()).chain(lines).collect();
        lines.join("\n")
    }
}

/// Reads so many orders of partition 0, and as many of partition 1, which is a day ahead, as it may.
pub fn run(orders: i64, max_drift: Option<Span>) -> Result<Look, Error> {
    let strategy = Strategy {
        delay: Span(0),
        ..Strategy::default()
    };
    let alignment = Alignment::of_sources(max_drift, 1).next();
    let mut marks = SplitWatermarks::new(strategy).aligned(alignment);
    let spec = WindowSpec::Tumble {
        size: WINDOW,
        offset: Span(0),
    };
    let mut task = task(spec, Span(0));
    let mut splits: Vec<Split> = (0..2).map(unread).collect();
    let _ = marks.on_start(&splits);
    let (mut fired, mut paused) = (Fired::default(), Vec::new());
    while splits[0].position < orders {
        for (index, begin) in [NOON, NOON.plus(DAY)].into_iter().enumerate() {
            let split = &mut splits[index];
            if paused.contains(&split.partition) {
                continue;
            }
            for _ in 0..POLL {
                let ts = begin.plus(Span::seconds(split.position));
                split.position += 1;
                task.on_rows(&order(ts).rows(), &mut fired).map_err(failed)?;
                if let Some(Watermark::At(at)) = marks.on_row(split.partition, ts) {
                    task.on_time(at, &mut fired).map_err(failed)?;
                }
            }
        }
        if let Some(pauses) = marks.on_splits(&splits) {
            paused = pauses.to_vec();
        }
    }
    Ok(Look {
        read: [splits[0].position, splits[1].position],
        open: task.windows().open(),
        statuses: marks.statuses(&splits),
    })
}

fn order(ts: EventTime) -> Placed {
    Placed {
        at: String::new(),
        merchant_id: "m-1".to_string(),
        order: Stamped {
            ts,
            value: Cents(100),
        },
    }
}

/// A split with a thousand orders, of which none is read yet.
fn unread(partition: i32) -> Split {
    Split {
        end: Some(1_000),
        caught_up: false,
        ..split(partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_windows_grow_with_what_is_read_or_stay_few() {
        let open = |orders, max_drift| run(orders, max_drift).unwrap().open;
        let free = [100, 200, 400].map(|orders| open(orders, None));
        assert_eq!(free, [11, 21, 41]);
        let waits = [100, 200, 400].map(|orders| open(orders, Some(Span::seconds(30))));
        assert_eq!(waits, [2, 2, 2]);
    }
}

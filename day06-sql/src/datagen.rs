//! A source that makes its rows up: each one a function of the seed and of its offset, and of nothing else.
//!
//! ```text
//! offset   0                      1                      2
//! payload  {"id":1,"price":3.07}  {"id":2,"price":9.80}  {"id":3,"price":0.44}
//! ```
//!
//! 1. There is one split, `datagen`, and the offset of a row is its number. So a job that goes on from
//!    a checkpoint reads the same rows as one that never stopped.
//! 2. It ends behind the number of rows that was asked for, or with its shortest sequence.
//! 3. A rate is kept by the clock: the first row is there at once, and each further one from its time
//!    on. A poll makes those that are due, and waits no longer than it was told. After a pause it makes
//!    up for what was due meanwhile.
//!
//! How values are drawn stands in `draw.rs`. Left out: several splits, so that generated rows have one
//! source task.

mod draw;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use day01_consumer::Error;
use day01_consumer::records::{Record, Records};
use day01_consumer::source::{Polled, Positions, Share, Source, Split};

use self::draw::Drawn;
use crate::format::encode::JsonWriter;
use crate::plan::{Field, Generated};
use crate::value::write::TimeForm;

/// The name of the only split.
const SPLIT: &str = "datagen";
/// How many rows a poll brings at most.
const BATCH: i64 = 1_000;

/// Makes up rows.
#[derive(Debug)]
pub struct Datagen {
    objects: JsonWriter,
    columns: Vec<Drawn>,
    seed: u64,
    /// The offset behind the last row.
    end: i64,
    rate: Option<u64>,
    /// When it was polled first since it was made or sent elsewhere, and for which row; only kept with
    /// a rate.
    began: Option<(Instant, i64)>,
    /// The split, if it is in its share.
    splits: Vec<Split>,
}

impl Datagen {
    /// Rows with these columns, drawn as described: so many of them (none: without end, unless a
    /// sequence ends), and so many a second (none: as fast as it goes). The same seed gives the same
    /// rows.
    ///
    /// An error says which column cannot be drawn as it is described.
    pub fn new(
        columns: &[Field],
        described: &BTreeMap<String, Generated>,
        rows: Option<u64>,
        rate: Option<u64>,
        seed: u64,
    ) -> Result<Self, Error> {
        let is_column = |name: &&String| columns.iter().any(|column| column.name == **name);
        if let Some(name) = described.keys().find(|name| !is_column(name)) {
            return Err(Error::Usage(format!("datagen: there is no column {name}")));
        }
        if rate == Some(0) {
            return Err(Error::Usage("datagen: 0 rows a second are none".to_string()));
        }
        let drawn = columns
            .iter()
            .map(|column| Drawn::new(column, described.get(&column.name), rate));
        let drawn = drawn.collect::<Result<_, _>>()?;
        let sequences = described.values().filter_map(|generated| match generated {
            Generated::Sequence(first, last) => Some(i128::from(*last) - i128::from(*first) + 1),
            Generated::Random(..) | Generated::Text(_) => None,
        });
        let rows = sequences.chain(rows.map(i128::from)).min();
        let rows = rows.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
        Ok(Datagen {
            objects: JsonWriter::new(columns, TimeForm::default()),
            columns: drawn,
            seed,
            end: rows.unwrap_or(i64::MAX),
            rate,
            began: None,
            splits: vec![Split {
                partition: 0,
                name: SPLIT.to_string(),
                position: 0,
                end: rows,
                caught_up: rows == Some(0),
                identity: None,
            }],
        })
    }

    /// Appends the row at an offset as a JSON object.
    fn write_row(&self, offset: i64, bytes: &mut Vec<u8>) {
        self.objects.write_with(bytes, |place, bytes| {
            self.columns[place].write(self.seed, offset, bytes);
        });
    }

    /// How many rows from `position` on are there, at most a batch; waits for the first of them up to
    /// `wait`.
    fn due(&mut self, position: i64, wait: Duration) -> i64 {
        let Some(rate) = self.rate else {
            return BATCH;
        };
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), position));
        let made = (position - first).unsigned_abs();
        let left = due_after(made, rate).saturating_sub(began.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left.min(wait));
        }
        let due = due_within(began.elapsed(), rate).saturating_sub(made);
        i64::try_from(due).unwrap_or(i64::MAX).min(BATCH)
    }
}

/// How long after the first row the one with this number is due, the first being number 0.
fn due_after(number: u64, rate: u64) -> Duration {
    let nanos = (u128::from(number) * 1_000_000_000).div_ceil(u128::from(rate));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many rows are due within this time of the first, the first included.
fn due_within(elapsed: Duration, rate: u64) -> u64 {
    let further = elapsed.as_nanos().saturating_mul(u128::from(rate)) / 1_000_000_000;
    u64::try_from(further).unwrap_or(u64::MAX).saturating_add(1)
}

impl Source for Datagen {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn share(&mut self, share: Share) {
        self.splits.retain(|split| share.takes(split.partition));
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        let known = |name: &str| self.splits.iter().any(|split| split.name == name);
        if let Some((name, _)) = positions.iter().find(|(name, _)| !known(name)) {
            return Err(Error::UnknownSplit {
                split: name.to_string(),
                known: self.splits.iter().map(|split| split.name.clone()).collect(),
            });
        }
        for split in &mut self.splits {
            let Some(position) = positions.get(&split.name) else {
                continue;
            };
            if !(0..=self.end).contains(&position) {
                return Err(Error::OffsetOutOfRange {
                    split: split.name.clone(),
                    partition: split.partition,
                    wanted: position,
                    low: 0,
                    high: self.end,
                });
            }
            split.position = position;
            split.caught_up = position == self.end;
            self.began = None;
        }
        Ok(())
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        records.clear();
        let position = match self.splits.first() {
            Some(split) if split.position < self.end => split.position,
            _ => return Ok(Polled::End),
        };
        let due = self.due(position, wait);
        let next = position.saturating_add(due).min(self.end);
        let mut payload = Vec::new();
        for offset in position..next {
            payload.clear();
            self.write_row(offset, &mut payload);
            records.push(Record {
                partition: 0,
                offset,
                key: None,
                payload: Some(&payload),
                timestamp: None,
            });
        }
        for split in &mut self.splits {
            split.position = next;
            split.caught_up = next == self.end || due < BATCH;
        }
        Ok(match records.is_empty() {
            false => Polled::Ready,
            true => Polled::Idle,
        })
    }

    fn commit(&mut self, _positions: &Positions) -> Result<(), Error> {
        Err(Error::Usage("generated rows keep no group offsets".to_string()))
    }

    fn locate(&self, _partition: i32, offset: i64) -> String {
        format!("{SPLIT}@{offset}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::DataType;

    fn columns() -> Vec<Field> {
        let column = |name: &str, data_type| Field {
            name: name.to_string(),
            data_type,
        };
        vec![
            column("id", DataType::BigInt),
            column("a \"name\"", DataType::Varchar),
            column("price", DataType::Numeric(Some((6, 2)))),
            column("ts", DataType::Timestamp),
        ]
    }

    fn described(last: i64) -> BTreeMap<String, Generated> {
        BTreeMap::from([
            ("id".to_string(), Generated::Sequence(1, last)),
            ("a \"name\"".to_string(), Generated::Text(4)),
            ("price".to_string(), Generated::Random(1, 9)),
        ])
    }

    fn source(last: i64, rows: Option<u64>, rate: Option<u64>) -> Datagen {
        Datagen::new(&columns(), &described(last), rows, rate, 1).unwrap()
    }

    /// All rows from here to the end, with their offsets.
    fn rest(source: &mut Datagen) -> Vec<(i64, String)> {
        let mut rows = Vec::new();
        let mut records = Records::new();
        while source.poll(&mut records, Duration::ZERO).unwrap() == Polled::Ready {
            rows.extend(records.iter().map(|record| {
                let payload = record.payload.unwrap().to_vec();
                (record.offset, String::from_utf8(payload).unwrap())
            }));
        }
        rows
    }

    #[test]
    fn rows_are_json_objects_with_all_columns() {
        let rows = rest(&mut source(2, None, None));
        let lines: Vec<&str> = rows.iter().map(|(_, row)| row.as_str()).collect();
        insta::assert_snapshot!(lines.join("\n"));
        for line in lines {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn it_ends_with_the_shortest_of_rows_and_sequences() {
        for (last, rows, made) in [
            (2_500, None, 2_500),
            (2_500, Some(7), 7),
            (5, Some(7), 5),
            (5, Some(0), 0),
        ] {
            let mut source = source(last, rows, None);
            let offsets: Vec<i64> = rest(&mut source).iter().map(|(offset, _)| *offset).collect();
            assert!(offsets.iter().copied().eq(0..made), "{made}: {offsets:?}");
            let split = &source.splits()[0];
            assert_eq!(
                (split.position, split.end, split.caught_up),
                (made, Some(made), true)
            );
        }
    }

    #[test]
    fn without_rows_and_sequences_there_is_no_end() {
        let mut source = Datagen::new(&columns(), &BTreeMap::new(), None, None, 1).unwrap();
        assert_eq!(source.splits()[0].end, None);
        let positions = [(SPLIT.to_string(), i64::MAX - 1_500)].into_iter().collect();
        source.seek(&positions).unwrap();
        let mut records = Records::new();
        assert_eq!(source.poll(&mut records, Duration::ZERO).unwrap(), Polled::Ready);
        assert_eq!(records.len(), 1_000);
    }

    #[test]
    fn after_a_restart_the_rows_are_the_same() {
        let all = rest(&mut source(1_200, None, None));
        for from in [0, 1, 999, 1_000, 1_199, 1_200] {
            let mut again = source(1_200, None, None);
            let positions = [(SPLIT.to_string(), from)].into_iter().collect();
            again.seek(&positions).unwrap();
            assert_eq!(rest(&mut again), all[from as usize..], "from {from}");
        }
        let other = Datagen::new(&columns(), &described(1_200), None, None, 2);
        assert_ne!(rest(&mut other.unwrap())[0], all[0], "another seed, other rows");
    }

    #[test]
    fn positions_that_are_not_its_own_are_refused() {
        let seek = |split: &str, offset| {
            let positions = [(split.to_string(), offset)].into_iter().collect();
            source(5, None, None).seek(&positions).unwrap_err().to_string()
        };
        assert_eq!(
            seek("orders/0", 1),
            "no split \"orders/0\"; splits there: datagen"
        );
        assert!(seek(SPLIT, 6).starts_with("datagen: offset 6 is out of range, available is 0 to 5"));
        assert!(seek(SPLIT, -1).starts_with("datagen: offset -1 is out of range"));
    }

    #[test]
    fn one_of_several_shares_has_the_rows() {
        let rows = |index| {
            let mut source = source(5, None, None);
            source.share(Share { index, of: 2 });
            rest(&mut source).len()
        };
        assert_eq!((rows(0), rows(1)), (5, 0));
        let mut none = Datagen::new(&columns(), &BTreeMap::new(), None, None, 1).unwrap();
        none.share(Share { index: 1, of: 2 });
        assert_eq!(
            none.poll(&mut Records::new(), Duration::ZERO).unwrap(),
            Polled::End
        );
    }

    #[test]
    fn a_row_is_due_at_its_time_and_not_before() {
        for rate in [1, 3, 1_000, 7_919, 2_000_000_000] {
            for number in [1, 2, 3, 10, 1_000_000] {
                let at = due_after(number, rate);
                assert!(
                    due_within(at, rate) > number,
                    "number {number} at {rate} a second"
                );
                let before = at.saturating_sub(Duration::from_nanos(1));
                assert!(
                    rate > 1_000_000_000 || due_within(before, rate) <= number,
                    "{number} at {rate}"
                );
            }
        }
        assert_eq!(due_after(0, 1), Duration::ZERO);
        assert_eq!(due_within(Duration::ZERO, 1), 1);
        assert_eq!(due_within(Duration::from_millis(2_999), 1), 3);
        assert_eq!(due_within(Duration::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn with_a_rate_a_poll_makes_what_is_due_and_does_not_wait_when_told_not_to() {
        let mut source = source(5, None, Some(1));
        let mut records = Records::new();
        let mut poll = |source: &mut Datagen| source.poll(&mut records, Duration::ZERO).unwrap();
        let hour = Duration::from_secs(3_600);

        // It begins in an hour: the first row is due, but not the second.
        source.began = Some((Instant::now() + hour, 0));
        assert_eq!(poll(&mut source), Polled::Ready);
        assert_eq!(
            (source.splits()[0].position, source.splits()[0].caught_up),
            (1, true)
        );
        assert_eq!(poll(&mut source), Polled::Idle);

        // An hour of rows is already made: the next one is due in an hour, for which nobody waits.
        source.began = Some((Instant::now(), 1 - 3_600));
        assert_eq!(poll(&mut source), Polled::Idle);

        // It began an hour ago: all are due, and there are no more than there are.
        source.began = Some((Instant::now() - hour, 0));
        assert_eq!(rest(&mut source).len(), 4);
        assert_eq!(poll(&mut source), Polled::End);
    }

    #[test]
    fn what_cannot_be_generated_is_an_error() {
        let error = |described: &BTreeMap<_, _>, rate| {
            let made = Datagen::new(&columns(), described, None, rate, 1);
            made.unwrap_err().to_string()
        };
        let unknown = BTreeMap::from([("prize".to_string(), Generated::Random(0, 1))]);
        assert_eq!(error(&unknown, None), "datagen: there is no column prize");
        assert_eq!(
            error(&BTreeMap::new(), Some(0)),
            "datagen: 0 rows a second are none"
        );
    }
}

//! What stands between the sources and the sinks. None of these operators knows of barriers, and only one of watermarks.
//!
//! - [`Worker`] counts by key and window, lets rows pass, and puts those aside that come late for their key
//! - [`Pack`] holds rows back until it has enough of them
//! - [`Join`] lets a row pass when it has come on both ports

use std::collections::{BTreeMap, BTreeSet};

use day02_state::keys;
use day02_state::operator::{EndReason, Input, Operator, Out, Outcome};
use day02_state::outbox::Either;
use day02_state::rows::Rows;
use day02_state::state::{Frozen, Owner, Part, Stateful};

use super::marks::{Mark, Timed};
use super::parts::{Reader, encode};
use super::sources::{Event, Kind, key_of};

/// How long a window is.
pub const WINDOW: i64 = 10;

/// How far a row may be behind the newest one of its key and its source.
pub const SLACK: i64 = 6;

/// What is known of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub ids: BTreeSet<u64>,
    /// The newest time of each source that has sent a row.
    pub newest: BTreeMap<usize, i64>,
    /// How many rows each open window has, by its start.
    pub open: BTreeMap<i64, u64>,
}

/// Counts by key.
#[derive(Debug, Default)]
pub struct Worker {
    pub keys: BTreeMap<u64, Tally>,
}

impl Operator for Worker {
    type In = Rows<Event>;
    type Out = Either<Rows<Event>, Rows<Event>>;
    type Control = Mark;

    fn on_data(&mut self, _: Input, data: Rows<Event>, out: Out<'_, Self>) -> Outcome {
        let (mut good, mut late) = (Rows::new(), Rows::new());
        for (row, event) in data.values().iter().enumerate() {
            let Kind::Row { source, id } = event.kind else {
                return Err("a window on the wrong side".into());
            };
            let tally = self.keys.entry(key_of(data.key(row))).or_default();
            let newest = tally.newest.entry(source).or_insert(event.time);
            *newest = event.time.max(*newest);
            if event.time < *newest - SLACK {
                late.push(data.key(row), *event);
                continue;
            }
            if !tally.ids.insert(id) {
                return Err(format!("row {id} has come twice").into());
            }
            *tally
                .open
                .entry(event.time - event.time.rem_euclid(WINDOW))
                .or_default() += 1;
            good.push(data.key(row), *event);
        }
        out.data(Either::Left(good));
        out.data(Either::Right(late));
        Ok(())
    }
}

impl Timed for Worker {
    fn on_watermark(&mut self, mark: Mark, out: Out<'_, Self>) -> Outcome {
        let mut closed = Rows::new();
        for (key, tally) in &mut self.keys {
            while let Some(window) = tally.open.first_entry()
                && window.key() + WINDOW <= mark.0
            {
                let event = Event {
                    time: window.key() + WINDOW - 1,
                    kind: Kind::Window {
                        rows: window.remove(),
                    },
                };
                closed.push(&key.to_le_bytes(), event);
            }
        }
        out.data(Either::Left(closed));
        Ok(())
    }
}

impl Stateful for Worker {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let keys = self.keys.clone();
        Frozen::new(move || {
            let mut groups: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
            for (key, tally) in keys {
                let words = groups
                    .entry(keys::key_group(keys::hash(&key.to_le_bytes())))
                    .or_default();
                words.extend([key, tally.ids.len() as u64]);
                words.extend(tally.ids);
                words.push(tally.newest.len() as u64);
                words.extend(
                    tally
                        .newest
                        .into_iter()
                        .flat_map(|(source, time)| [source as u64, time as u64]),
                );
                words.push(tally.open.len() as u64);
                words.extend(
                    tally
                        .open
                        .into_iter()
                        .flat_map(|(start, rows)| [start as u64, rows]),
                );
            }
            let part = |(group, words)| Part {
                name: "tallies".to_string(),
                owner: Owner::Group(group),
                bytes: encode(words),
            };
            groups.into_iter().map(part).collect()
        })
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            let mut reader = Reader::new(part);
            while !reader.is_empty() {
                let key = reader.word()?;
                let tally = Tally {
                    ids: reader.list(Reader::word)?,
                    newest: reader.list(|reader| Ok((reader.word()? as usize, reader.word()? as i64)))?,
                    open: reader.list(|reader| Ok((reader.word()? as i64, reader.word()?)))?,
                };
                if self.keys.insert(key, tally).is_some() {
                    return Err(part.bad(format!("key {key} is there already")).into());
                }
            }
        }
        Ok(())
    }
}

/// Holds rows back until it has seven of them. Has no state, because it is flushed before a snapshot.
#[derive(Debug, Default)]
pub struct Pack {
    held: Rows<Event>,
}

impl Operator for Pack {
    type In = Rows<Event>;
    type Out = Rows<Event>;
    type Control = Mark;

    fn on_data(&mut self, _: Input, data: Rows<Event>, out: Out<'_, Self>) -> Outcome {
        for (row, event) in data.values().iter().enumerate() {
            self.held.push(data.key(row), *event);
            if self.held.len() == 7 {
                self.on_flush(out)?;
            }
        }
        Ok(())
    }

    fn on_flush(&mut self, out: Out<'_, Self>) -> Outcome {
        out.data(std::mem::take(&mut self.held));
        Ok(())
    }

    fn on_end(&mut self, _: EndReason, out: Out<'_, Self>) -> Outcome {
        self.on_flush(out)
    }
}

impl Timed for Pack {}

impl Stateful for Pack {
    fn snapshot(&mut self, _: u64) -> Frozen {
        Frozen::new(Vec::new)
    }

    fn restore(&mut self, _: Vec<Part>) -> Outcome {
        Ok(())
    }
}

/// Lets a row pass when it has come on both ports. What is on one port only stays.
#[derive(Debug, Default)]
pub struct Join {
    /// For each port and key the ids that have come.
    pub seen: BTreeMap<(usize, u64), BTreeSet<u64>>,
}

impl Operator for Join {
    type In = Rows<Event>;
    type Out = Rows<Event>;
    type Control = Mark;

    fn on_data(&mut self, input: Input, data: Rows<Event>, out: Out<'_, Self>) -> Outcome {
        let mut matched = Rows::new();
        for (row, event) in data.values().iter().enumerate() {
            let Kind::Row { id, .. } = event.kind else {
                matched.push(data.key(row), *event);
                continue;
            };
            let key = key_of(data.key(row));
            if !self.seen.entry((input.port, key)).or_default().insert(id) {
                return Err(format!("row {id} has come twice on port {}", input.port).into());
            }
            if self
                .seen
                .get(&(1 - input.port, key))
                .is_some_and(|seen| seen.contains(&id))
            {
                matched.push(data.key(row), *event);
            }
        }
        out.data(matched);
        Ok(())
    }
}

impl Timed for Join {}

impl Stateful for Join {
    fn snapshot(&mut self, _: u64) -> Frozen {
        let seen = self.seen.clone();
        Frozen::new(move || {
            let words = seen
                .into_iter()
                .flat_map(|((port, key), ids)| [port as u64, key, ids.len() as u64].into_iter().chain(ids));
            vec![Part {
                name: "seen".to_string(),
                owner: Owner::First,
                bytes: encode(words),
            }]
        })
    }

    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        for part in &parts {
            let mut reader = Reader::new(part);
            while !reader.is_empty() {
                let place = (reader.word()? as usize, reader.word()?);
                self.seen.insert(place, reader.list(Reader::word)?);
            }
        }
        Ok(())
    }
}

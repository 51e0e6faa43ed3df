//! What must be true of a run, from nothing but the scripts: a plain evaluation in order, without channels or state that
//! is restored.

use std::collections::{BTreeMap, BTreeSet};

use day02_state::keys::{groups_of, hash, key_group};
use day02_state::state::{Owner, Part, Stateful};

use super::coordinator::Checkpoint;
use super::graph::{Run, SOURCES, Scripts};
use super::marks::{Mark, NONE};
use super::operators::{Join, SLACK, Tally, WINDOW, Worker};
use super::parts::Reader;
use super::sink::{Arrival, Sink};
use super::sources::{Event, Kind, Line};

/// All state and all output of the job after so many lines of each source.
#[derive(Debug, Default)]
pub struct Replay {
    at: [usize; SOURCES],
    tallies: BTreeMap<u64, Tally>,
    seen: BTreeMap<(usize, u64), BTreeSet<u64>>,
    /// Rows with their keys.
    joined: BTreeSet<(u64, Event)>,
    late: BTreeSet<(u64, Event)>,
}

impl Replay {
    /// Goes on to these positions, which are not before those that it has come to.
    pub fn advance(&mut self, scripts: &Scripts, to: [usize; SOURCES]) -> Result<(), String> {
        for (source, to) in to.into_iter().enumerate() {
            let lines = scripts[source].get(self.at[source]..to);
            for line in lines.ok_or_else(|| format!("source {source} goes back to {to}"))? {
                if let Line::Row { key, event } = line {
                    self.row(source, *key, *event);
                }
            }
            self.at[source] = to;
        }
        let marks = (0..SOURCES).map(|source| last_mark(&scripts[source][..to[source]]));
        self.close(marks.min().unwrap_or(NONE));
        Ok(())
    }

    fn row(&mut self, source: usize, key: u64, event: Event) {
        let Kind::Row { id, .. } = event.kind else { return };
        if source == 0 {
            self.seen.entry((0, key)).or_default().insert(id);
        }
        let tally = self.tallies.entry(key).or_default();
        let newest = tally
            .newest
            .get(&source)
            .copied()
            .max(Some(event.time))
            .unwrap_or(event.time);
        tally.newest.insert(source, newest);
        if newest > event.time + SLACK {
            self.late.insert((key, event));
            return;
        }
        tally.ids.insert(id);
        *tally
            .open
            .entry(event.time.div_euclid(WINDOW) * WINDOW)
            .or_default() += 1;
        self.seen.entry((1, key)).or_default().insert(id);
        if source == 0 {
            self.joined.insert((key, event));
        }
    }

    fn close(&mut self, mark: Mark) {
        for (key, tally) in &mut self.tallies {
            let open = tally.open.split_off(&mark.0.saturating_sub(WINDOW - 1));
            for (start, rows) in std::mem::replace(&mut tally.open, open) {
                let time = start + WINDOW - 1;
                let kind = Kind::Window { rows };
                self.joined.insert((*key, Event { time, kind }));
            }
        }
    }
}

fn last_mark(lines: &[Line]) -> Mark {
    let marks = lines.iter().rev().find_map(|line| match line {
        Line::Mark(mark) => Some(*mark),
        Line::Row { .. } => None,
    });
    marks.unwrap_or(NONE)
}

/// What was compared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub runs: usize,
    pub checkpoints: usize,
    /// Of those, how many were taken when both sources had begun and none was at its end.
    pub inside: usize,
    /// How many had a source that was at its end, and another that was not.
    pub uneven: usize,
    pub fewest: Option<usize>,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.runs += other.runs;
        self.checkpoints += other.checkpoints;
        self.inside += other.inside;
        self.uneven += other.uneven;
        self.fewest = [self.fewest, other.fewest].into_iter().flatten().min();
    }
}

/// Whether every checkpoint of a run holds what the rows before it make, and nothing else. What the sinks had before this
/// run is part of `run`.
pub fn check_checkpoints(scripts: &Scripts, run: &Run) -> Result<Counts, String> {
    let mut replay = Replay::default();
    let mut counts = Counts {
        runs: 1,
        checkpoints: run.checkpoints.len(),
        fewest: Some(run.checkpoints.len()),
        ..Counts::default()
    };
    for checkpoint in &run.checkpoints {
        let at = positions(checkpoint).map_err(|error| error.to_string())?;
        replay.advance(scripts, at)?;
        let what = |what: &str| format!("checkpoint {} at {at:?}: {what}", checkpoint.id);
        check_parts(&replay, checkpoint, run.workers).map_err(|problem| what(&problem))?;
        check_sink(&replay.joined, &run.joined, Some(checkpoint.id)).map_err(|problem| what(&problem))?;
        check_sink(&replay.late, &run.late, Some(checkpoint.id)).map_err(|problem| what(&problem))?;
        let begun = at.iter().all(|at| *at > 0);
        let ended = (0..SOURCES)
            .filter(|source| at[*source] == scripts[*source].len())
            .count();
        counts.inside += usize::from(begun && ended == 0);
        counts.uneven += usize::from(ended == 1);
    }
    Ok(counts)
}

/// Whether a run has come to its end, and its sinks have what an undisturbed run leaves there.
pub fn check_end(scripts: &Scripts, run: &Run) -> Result<(), String> {
    run.result.as_ref().map_err(ToString::to_string)?;
    let mut replay = Replay::default();
    let ends = [scripts[0].len(), scripts[1].len()];
    replay.advance(scripts, ends)?;
    check_sink(&replay.joined, &run.joined, None)?;
    check_sink(&replay.late, &run.late, None)?;
    let last = run.checkpoints.last().ok_or("no checkpoint at all")?;
    let at = positions(last).map_err(|error| error.to_string())?;
    if at != ends {
        return Err(format!("the last checkpoint is at {at:?}"));
    }
    check_told(run, last.id)
}

/// Whether a run that was suspended has ended with this checkpoint: everybody knows of it, and nothing came after it. A
/// run that is shorter than that has come to its end.
pub fn check_suspended(scripts: &Scripts, run: &Run, id: u64) -> Result<(), String> {
    match run.checkpoints.last() {
        Some(last) if last.id == id => {}
        _ => return check_end(scripts, run),
    }
    run.result.as_ref().map_err(ToString::to_string)?;
    match run.joined.iter().chain(&run.late).find(|arrival| arrival.0 > id) {
        Some(arrival) => Err(format!("{arrival:?} behind the last checkpoint, {id}")),
        None => check_told(run, id),
    }
}

/// Whether every task behind the sources knows that this checkpoint is complete.
fn check_told(run: &Run, id: u64) -> Result<(), String> {
    let behind_sources = 2 * run.workers + 3;
    match run.durable.values().filter(|durable| **durable == id).count() {
        told if told == behind_sources => Ok(()),
        told => Err(format!(
            "{told} of {behind_sources} tasks know of checkpoint {id}"
        )),
    }
}

fn positions(checkpoint: &Checkpoint) -> Result<[usize; SOURCES], Box<dyn std::error::Error>> {
    let mut at = [0; SOURCES];
    for (source, at) in at.iter_mut().enumerate() {
        let [part] = &checkpoint.parts[source][..] else {
            return Err(format!("source {source} has not one part").into());
        };
        *at = Reader::new(part).word()? as usize;
    }
    Ok(at)
}

fn check_parts(replay: &Replay, checkpoint: &Checkpoint, workers: usize) -> Result<(), String> {
    let behind = &checkpoint.parts[SOURCES..];
    for (worker, parts) in behind[..workers].iter().enumerate() {
        let groups = groups_of(worker, workers);
        let mut held = Worker::default();
        restore(&mut held, parts)?;
        if parts
            .iter()
            .any(|part| !matches!(part.owner, Owner::Group(group) if groups.contains(&group)))
        {
            return Err(format!("worker {worker} has parts that are not its own"));
        }
        let is_its_own = |(key, _): &(&u64, &Tally)| groups.contains(&key_group(hash(&key.to_le_bytes())));
        if !held.keys.iter().eq(replay.tallies.iter().filter(is_its_own)) {
            return Err(format!("worker {worker} holds {:?}", held.keys));
        }
    }
    if behind[workers..2 * workers].iter().any(|parts| !parts.is_empty()) {
        return Err("a pack has state".to_string());
    }
    let mut join = Join::default();
    restore(&mut join, &behind[2 * workers])?;
    if join.seen != replay.seen {
        return Err(format!("the join has seen {:?}", join.seen));
    }
    let outputs = [&replay.joined, &replay.late];
    for (parts, rows) in behind[2 * workers + 1..].iter().zip(outputs) {
        let mut sink = Sink::new(std::sync::mpsc::channel().0);
        restore(&mut sink, parts)?;
        if (sink.epoch, sink.rows) != (checkpoint.id + 1, rows.len() as u64) {
            return Err(format!(
                "a sink has {} rows before epoch {}",
                sink.rows, sink.epoch
            ));
        }
    }
    Ok(())
}

fn restore(state: &mut impl Stateful, parts: &[Part]) -> Result<(), String> {
    state.restore(parts.to_vec()).map_err(|bad| bad.to_string())
}

/// Whether exactly these rows have come, or exactly these up to an epoch.
fn check_sink(rows: &BTreeSet<(u64, Event)>, arrivals: &[Arrival], epoch: Option<u64>) -> Result<(), String> {
    let is_meant = |arrival: &&Arrival| epoch.is_none_or(|epoch| arrival.0 <= epoch);
    let mut came: Vec<(u64, Event)> = arrivals
        .iter()
        .filter(is_meant)
        .map(|(_, key, event)| (*key, *event))
        .collect();
    came.sort();
    match came.iter().eq(rows) {
        true => Ok(()),
        false => Err(format!(
            "a sink has {} rows, and not those {}: {came:?}",
            came.len(),
            rows.len()
        )),
    }
}

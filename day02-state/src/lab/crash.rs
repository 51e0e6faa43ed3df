//! What a crash costs when state and positions are saved: in two writes, one way round or the other, or in one.
//!
//! The program is run once for each moment of a scenario, as by a timer: load what was saved, count what is there, save. In
//! one of these runs it dies while it saves. The job is the real one, and what it loads and saves are real snapshots; only
//! the disk is a map in memory, so that it can be told where to stop.

use std::collections::BTreeMap;
use std::fmt;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::Log;
use day01_consumer::lab::scenario::Scenario;
use day01_consumer::source::{Positions, Source, Start};
use jiff::civil::Time;

use crate::error::{Error, SnapshotError};
use crate::job::{Options, Plain, SOURCE, SavedState, SourceTask, TOTALS, Totals, wire};
use crate::order::Cents;
use crate::runtime::Stop;
use crate::state::file::Snapshot;
use crate::stepper::run_stepper;

/// How state and positions are saved, and where the crash falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// In two files, first the state. The crash comes between them.
    StateFirst,
    /// In two files, first the positions. The crash comes between them.
    PositionsFirst,
    /// In one file. The crash comes before the file beside it is renamed over it.
    OneWriteNotRenamed,
    /// In one file. The crash comes after the rename.
    OneWriteRenamed,
}

impl Saving {
    /// The files that are written, in order, each with the operators whose state it holds, and how many of them are
    /// written before the crash.
    fn files(self) -> (Vec<(&'static str, Vec<&'static str>)>, usize) {
        match self {
            Saving::StateFirst => (vec![("state", vec![TOTALS]), ("positions", vec![SOURCE])], 1),
            Saving::PositionsFirst => (vec![("positions", vec![SOURCE]), ("state", vec![TOTALS])], 1),
            Saving::OneWriteNotRenamed => (vec![("both", vec![TOTALS, SOURCE])], 0),
            Saving::OneWriteRenamed => (vec![("both", vec![TOTALS, SOURCE])], 1),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Time,
    /// What.
    pub what: What,
    /// How often each record is in the map of the process.
    pub in_memory: BTreeMap<String, u32>,
    /// How often each record is in the state on the disk.
    pub on_disk: BTreeMap<String, u32>,
    /// The next offset to read, as the disk has it.
    pub position: i64,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The program was started and has loaded what was saved.
    Loaded,
    /// It has counted these records.
    Counted(Vec<String>),
    /// It has saved this file.
    Saved(&'static str),
    /// It has died.
    Crashed,
}

/// What all runs of the program came to.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Everything that happened, in order.
    pub steps: Vec<Step>,
    /// The answer of the last run: all merchants, by name.
    pub merchants: Vec<(String, Totals)>,
}

impl Runs {
    /// How often each record is in the answer.
    pub fn times(&self) -> BTreeMap<String, u32> {
        self.steps
            .last()
            .map(|step| step.on_disk.clone())
            .unwrap_or_default()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.time.strftime("%H:%M:%S"))?;
        match &self.what {
            What::Loaded => write!(f, "load   position {}", self.position),
            What::Counted(records) => write!(f, "count  {}", records.join(" ")),
            What::Saved(file) => write!(f, "save   {file}"),
            What::Crashed => write!(f, "CRASH"),
        }
    }
}

/// What is on the disk, and which records have gone into it.
#[derive(Default)]
struct Disk {
    files: BTreeMap<&'static str, Vec<u8>>,
    records: BTreeMap<String, u32>,
    position: i64,
}

impl Disk {
    fn load(&self) -> Result<Snapshot, Error> {
        let mut all = Snapshot::new();
        for (name, bytes) in &self.files {
            let file = Snapshot::decode(bytes).map_err(SnapshotError::at(name.as_ref()))?;
            for operator in file.operators() {
                all.add(operator, file.parts(operator).to_vec());
            }
        }
        Ok(all)
    }
}

/// Runs the program over a scenario with one partition, and lets it die where the scenario says.
pub fn run(scenario: &Scenario, saving: Saving) -> Result<Runs, Error> {
    let log = Log::new("orders", 1);
    let (mut disk, mut runs) = (Disk::default(), Runs::default());
    let mut arrived = 0;
    for moment in scenario.events.chunk_by(|one, next| one.arrival == next.arrival) {
        for event in moment {
            let payload = event.payload.as_ref().map(|payload| payload.as_bytes());
            log.append(0, None, payload, None);
        }
        let events = arrived..arrived + moment.len();
        arrived = events.end;
        let dies = scenario
            .crash_in_batch_of
            .is_some_and(|event| events.contains(&(event - 1)));
        if dies {
            life(&log, saving, true, moment[0].arrival, &mut disk, &mut runs)?;
        }
        life(&log, saving, false, moment[0].arrival, &mut disk, &mut runs)?;
    }
    Ok(runs)
}

/// One run of the program.
fn life(
    log: &Log,
    saving: Saving,
    dies: bool,
    time: Time,
    disk: &mut Disk,
    runs: &mut Runs,
) -> Result<(), Error> {
    let mut memory = disk.records.clone();
    let mut note = |what, memory: &BTreeMap<String, u32>, disk: &Disk| {
        runs.steps.push(Step {
            time,
            what,
            in_memory: memory.clone(),
            on_disk: disk.records.clone(),
            position: disk.position,
        });
    };
    note(What::Loaded, &memory, disk);

    let options = Options {
        on_bad_record: OnBadRecord::Skip,
        save: Some(SavedState::default()),
        ..Options::default()
    };
    let source = log.source("lab", &Start::Earliest, true)?;
    let (job, slot) = wire(vec![source], &options, Some(&disk.load()?))?;
    run_stepper(job, 1, &Stop::new(), &mut |_, _, _| {})?;
    let answer = slot.take();

    let position = position_in(log, &answer.snapshot)?;
    let counted: Vec<String> = (disk.position..position)
        .map(|offset| format!("orders/0@{offset}"))
        .collect();
    for record in &counted {
        *memory.entry(record.clone()).or_default() += 1;
    }
    note(What::Counted(counted), &memory, disk);

    let (files, before_crash) = saving.files();
    for (index, (name, operators)) in files.into_iter().enumerate() {
        if dies && index == before_crash {
            break;
        }
        let mut file = Snapshot::new();
        for operator in &operators {
            file.add(operator, answer.snapshot.parts(operator).to_vec());
        }
        disk.files.insert(name, file.encode());
        if operators.contains(&TOTALS) {
            disk.records = memory.clone();
        }
        if operators.contains(&SOURCE) {
            disk.position = position;
        }
        note(What::Saved(name), &memory, disk);
    }
    if dies {
        note(What::Crashed, &BTreeMap::new(), disk);
    }
    runs.merchants = answer.merchants;
    Ok(())
}

/// The position of the only split, as a restored source has it.
fn position_in(log: &Log, snapshot: &Snapshot) -> Result<i64, Error> {
    use crate::state::Stateful;
    let source = log.source("lab", &Start::Earliest, true)?;
    let mut task = SourceTask::new(source, Plain::<Cents>::default(), &Options::default());
    task.restore(snapshot.parts(SOURCE).to_vec())
        .map_err(Error::Restore)?;
    Ok(Positions::of(task.source().splits())
        .get("orders/0")
        .unwrap_or_default())
}

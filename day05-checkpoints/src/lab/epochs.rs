//! Two epochs on their way out: what is held, what lies in the checkpoint folder, and what others can read, step by step.
//!
//! ```text
//! rows ─► sink ─ barrier ─► store: write, sync, rename, sync folder ─► durable ─► target: the same four
//! ```
//!
//! Sink, store and target are those of the job, on two disks in memory. In place of the coordinator there is a list of what
//! happens.

use std::fmt;
use std::time::Duration;

use day02_state::operator::{Failure, Input, Operator, Outcome, Output, Turn};
use day02_state::state::Stateful;
use day04_watermarks::watermark::Watermark;

use super::fragile::Fragile;
use crate::sink::encoded::Encoded;
use crate::sink::files::{FileTarget, Format as FileFormat};
use crate::sink::{Format, Sink, SinkOptions};
use crate::store::{CheckpointStorage, Progress, Store};

/// How far an epoch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its rows come.
    Open,
    /// Its barrier has come.
    Sealed,
    /// Its checkpoint is being stored.
    Storing,
    /// Its checkpoint is durable.
    Durable,
    /// It is being published.
    Publishing,
    /// It is out.
    Out,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub what: String,
    /// How far each epoch is behind it, from 1 on.
    pub stages: Vec<Stage>,
    /// The files in the folder of checkpoints.
    pub checkpoints: Vec<String>,
    /// The files in the folder of the sink.
    pub output: Vec<String>,
}

/// Lines are rows.
struct Lines;

impl Format for Lines {
    type In = Vec<&'static str>;
    type Out = Vec<()>;

    fn encode(&mut self, data: Self::In, rows: &mut Encoded) -> Outcome<Vec<()>> {
        data.iter().for_each(|row| rows.push(None, row.as_bytes()));
        Ok(Vec::new())
    }
}

/// Nobody watches.
struct Nobody;

impl Output<Vec<()>, Watermark> for Nobody {
    fn data(&mut self, _: Vec<()>) {}
    fn control(&mut self, _: Watermark) {}
}

/// A sink with its disks.
struct Lab {
    checkpoints: Fragile,
    output: Fragile,
    store: Store<Fragile>,
    sink: Sink<Lines, FileTarget<Fragile>>,
    stages: Vec<Stage>,
    steps: Vec<Step>,
}

/// What a file written aside does, step by step.
const STEPS: [&str; 4] = ["write aside", "sync", "rename", "sync the folder"];

impl Lab {
    fn new() -> Result<Self, Failure> {
        let (checkpoints, output) = (Fragile::new(), Fragile::new());
        Ok(Lab {
            store: Store::open(checkpoints.clone(), 3)?,
            sink: Sink::new(
                Lines,
                FileTarget::new(output.clone(), FileFormat::Json),
                SinkOptions::default(),
            ),
            checkpoints,
            output,
            stages: Vec::new(),
            steps: Vec::new(),
        })
    }

    /// Writes down a step, after which this epoch is at this stage.
    fn note(&mut self, epoch: usize, stage: Stage, what: String) {
        self.stages.resize(self.stages.len().max(epoch), Stage::Open);
        self.stages[epoch - 1] = stage;
        let names = |disk: &Fragile| disk.files().into_keys().map(|name| short(&name)).collect();
        self.steps.push(Step {
            what,
            stages: self.stages.clone(),
            checkpoints: names(&self.checkpoints),
            output: names(&self.output),
        });
    }

    fn rows(&mut self, epoch: usize, rows: Vec<&'static str>) -> Outcome {
        let input = Input::default();
        let what = match rows.len() {
            1 => "1 row comes".to_string(),
            count => format!("{count} rows come"),
        };
        self.sink.on_data(input, rows, &mut Nobody)?;
        self.note(epoch, Stage::Open, what);
        Ok(())
    }

    /// The barrier, and the first step of the store.
    fn barrier(&mut self, epoch: usize) -> Outcome {
        let state = self.sink.snapshot(epoch as u64);
        self.store
            .begin(epoch as u64, vec![("sink".to_string(), state)])?;
        self.note(epoch, Stage::Sealed, format!("barrier {epoch}"));
        Ok(())
    }

    /// Takes the next step of the store.
    fn store(&mut self, epoch: usize, step: usize) -> Outcome {
        let durable = self.store.step()? == Progress::Durable(epoch as u64);
        let stage = if durable { Stage::Durable } else { Stage::Storing };
        if durable {
            self.sink.on_checkpoint_complete(epoch as u64);
        }
        self.note(epoch, stage, format!("checkpoint {epoch}: {}", STEPS[step]));
        Ok(())
    }

    /// Takes the next step of the sink.
    fn publish(&mut self, epoch: usize, step: usize) -> Outcome {
        let turn = self.sink.on_turn(Duration::ZERO, &mut Nobody)?;
        if turn != Turn::Again {
            return Err("there was nothing to publish".into());
        }
        let stage = if step + 1 == STEPS.len() {
            Stage::Out
        } else {
            Stage::Publishing
        };
        self.note(epoch, stage, format!("output {epoch}: {}", STEPS[step]));
        Ok(())
    }
}

/// Two rows of epoch 1, one of epoch 2 that comes while the first is stored, and what becomes of them.
pub fn run() -> Result<Vec<Step>, Failure> {
    let mut lab = Lab::new()?;
    lab.rows(1, vec!["m-1 4.00", "m-7 8.25"])?;
    lab.barrier(1)?;
    lab.store(1, 0)?;
    lab.store(1, 1)?;
    lab.rows(2, vec!["m-7 3.75"])?;
    lab.store(1, 2)?;
    lab.store(1, 3)?;
    for step in 0..STEPS.len() {
        lab.publish(1, step)?;
    }
    lab.barrier(2)?;
    for step in 0..STEPS.len() {
        lab.store(2, step)?;
    }
    for step in 0..STEPS.len() {
        lab.publish(2, step)?;
    }
    match lab.sink.on_turn(Duration::ZERO, &mut Nobody)? {
        Turn::Done => Ok(lab.steps),
        _ => Err("the sink has more to do".into()),
    }
}

/// A name with fewer zeros.
fn short(name: &str) -> String {
    name.replace("000000000000000", "…")
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Open => "open",
            Stage::Sealed => "sealed",
            Stage::Storing => "is stored",
            Stage::Durable => "durable",
            Stage::Publishing => "goes out",
            Stage::Out => "out",
        })
    }
}

impl Step {
    /// What stands above the lines of a table.
    pub const HEADER: &'static str =
        "step                            epoch 1    epoch 2    checkpoints                 output";
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = |epoch: usize| self.stages.get(epoch).map_or(String::new(), Stage::to_string);
        // The newest of each is enough for a line.
        let last = |names: &[String]| names.last().cloned().unwrap_or_default();
        let line = format!(
            "{:30}  {:9}  {:9}  {:26}  {}",
            self.what,
            stage(0),
            stage(1),
            last(&self.checkpoints),
            last(&self.output)
        );
        f.write_str(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_read_before_its_checkpoint_is_durable() {
        for step in run().expect("it runs") {
            for (epoch, stage) in (1..).zip(&step.stages) {
                let can_be_read = step.output.contains(&format!("part-…0000{epoch}.json"));
                assert!(!can_be_read || *stage > Stage::Durable, "{step}");
            }
        }
    }

    #[test]
    fn a_checkpoint_and_an_output_take_four_steps_each() {
        let steps = run().expect("it runs");
        let last = steps.last().expect("steps");
        assert_eq!(last.stages, [Stage::Out, Stage::Out]);
        assert_eq!(last.output, ["part-…00001.json", "part-…00002.json"]);
        assert_eq!(steps.len(), 2 + 2 * (1 + 4 + 4));
    }
}

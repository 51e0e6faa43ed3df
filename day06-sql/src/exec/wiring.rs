//! The tasks of a graph and the edges between them.
//!
//! Edges come first, lane by lane: each connects all tasks of the operator that makes the rows with all of the one that takes
//! them. Lanes of a port are merged, ports are kept apart. Then each operator gets its tasks, and each task an outbox for each
//! lane that begins at it.

use std::collections::BTreeMap;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day02_state::error::Error;
use day02_state::job::{Options as Tasks, SourceTask};
use day02_state::operator::Outcome;
use day02_state::outbox::Outbox;
use day02_state::runtime::{Inbox, by_key, single};
use day04_watermarks::operator::{WatermarkOperator, without_splits};
use day04_watermarks::splits::Strategy;
use day05_checkpoints::dataflow::{Control, Dataflow, Subtask};
use day05_checkpoints::ended::Ended;
use day05_checkpoints::job::START_ANEW;
use day05_checkpoints::sink::encoded::Encoded;
use day05_checkpoints::sink::target::Target;
use day05_checkpoints::sink::{Format, Sink as ExactlyOnce, SinkOptions};
use day05_checkpoints::store::Checkpoint;

use super::Options;
use super::graph::{Graph, Work};
use super::identity::Served;
use super::open::AnySource;
use super::operator::{ChunkOperator, OperatorTask};
use super::outputs::Outputs;
use super::scan::ScanReader;
use crate::format::encode::RowWriter;
use crate::keyed::KeyedChunk;
use crate::plan::{Connector, Table};
use crate::view::{Epochs, View};

/// So many tasks run at once, each on a thread.
const MAX_TASKS: usize = 1_000;

/// The sources of a scan.
pub(super) type Sources = Vec<Ended<AnySource>>;

/// A job while its graph is wired.
pub(super) struct Wiring<'a> {
    graph: &'a Graph,
    served: &'a Served,
    options: &'a Options,
    pub epochs: Epochs,
    /// The checkpoint that the job goes on from; 0 if it begins.
    pub restored: u64,
    pub dataflow: Dataflow,
    /// By operator, for each of its tasks the way in, and an outbox for each lane.
    inboxes: Vec<Vec<Inbox<KeyedChunk, Control>>>,
    outboxes: Vec<Vec<Vec<Outbox<KeyedChunk, Control>>>>,
    /// By operator, which of its channels are idle from the start.
    idle: Vec<Vec<usize>>,
    pub views: Vec<View>,
}

/// Rows as the lines of a file, or the records of a topic.
struct Lines(RowWriter);

impl Format for Lines {
    type In = KeyedChunk;
    type Out = Vec<()>;

    fn encode(&mut self, rows: KeyedChunk, to: &mut Encoded) -> Outcome<Vec<()>> {
        self.0.check(&rows.chunk)?;
        for row in 0..rows.chunk.rows {
            to.push_with(None, |bytes| self.0.write(&rows.chunk, row, bytes));
        }
        Ok(Vec::new())
    }
}

impl<'a> Wiring<'a> {
    /// Connects the operators of a graph, edge by edge.
    pub(super) fn new(
        graph: &'a Graph,
        served: &'a Served,
        options: &'a Options,
        restore: Option<Checkpoint>,
        sources: &BTreeMap<usize, Sources>,
    ) -> Result<Self, Error> {
        let tasks_of = |place: usize| match &graph.nodes[place].work {
            Work::Scan(..) => sources.get(&place).map_or(0, Vec::len),
            Work::Group(_) | Work::Join(_) => options.workers,
            Work::View(_) | Work::Sink(_) => 1,
        };
        let tasks: Vec<usize> = (0..graph.nodes.len()).map(tasks_of).collect();
        let all: usize = tasks.iter().sum();
        if all > MAX_TASKS {
            let said = format!(
                "these queries take {all} tasks, and at most {MAX_TASKS} can run at once: run fewer queries, or with fewer --workers"
            );
            return Err(InputError::Usage(said).into());
        }
        let none = |tasks: &usize| (0..*tasks).map(|_| Inbox::none()).collect();
        let mut wiring = Wiring {
            graph,
            served,
            options,
            epochs: match options.shown_at_once {
                true => Epochs::at_once(),
                false => Epochs::default(),
            },
            restored: restore.as_ref().map_or(0, |checkpoint| checkpoint.id),
            dataflow: Dataflow::new(options.buffers, restore),
            inboxes: tasks.iter().map(none).collect(),
            outboxes: tasks
                .iter()
                .map(|tasks| (0..*tasks).map(|_| Vec::new()).collect())
                .collect(),
            idle: vec![Vec::new(); graph.nodes.len()],
            views: Vec::new(),
        };
        for (place, node) in graph.nodes.iter().enumerate() {
            let mut channels = 0;
            for port in &node.ports {
                let mut port_of: Vec<Inbox<_, _>> = none(&tasks[place]);
                for lane in port {
                    let senders = tasks[lane.from];
                    let edge = match &node.work {
                        Work::Group(_) | Work::Join(_) => by_key(senders, tasks[place], options.buffers),
                        _ => single(senders, options.buffers),
                    };
                    let sending = wiring.outboxes[lane.from].iter_mut().zip(edge.outboxes);
                    sending.for_each(|(lanes, outbox)| lanes.push(outbox));
                    port_of = port_of
                        .into_iter()
                        .zip(edge.inboxes)
                        .map(|(port, lane)| port.merge(lane))
                        .collect();
                    let idle = sources.get(&lane.from).map(|sources| without_splits(sources));
                    wiring.idle[place].extend(idle.iter().flatten().map(|source| channels + source));
                    channels += senders;
                }
                let inboxes = std::mem::take(&mut wiring.inboxes[place])
                    .into_iter()
                    .zip(port_of);
                wiring.inboxes[place] = inboxes.map(|(inbox, port)| inbox.join(port)).collect();
            }
        }
        Ok(wiring)
    }

    fn outputs(&self, place: usize) -> Outputs {
        Outputs::new(
            &self.graph.nodes[place].id,
            self.graph.lanes_of(place),
            self.served,
        )
    }

    /// The tasks of a scan, one for each source.
    pub(super) fn scan(
        &mut self,
        place: usize,
        table: &Table,
        columns: &[usize],
        sources: Sources,
    ) -> Result<(), Error> {
        let outputs = self.outputs(place);
        let outboxes = std::mem::take(&mut self.outboxes[place]);
        for (number, (source, outboxes)) in sources.into_iter().zip(outboxes).enumerate() {
            let tasks = Tasks {
                on_bad_record: self.options.on_bad_record,
                ..Tasks::default()
            };
            let reader = ScanReader::new(table, columns, outputs.clone(), strategy(table));
            let task = SourceTask::new(source, reader, &tasks).with_start_anew(START_ANEW);
            let subtask = self.subtask(place, (number, 1));
            self.dataflow
                .source(subtask, task, SourceTask::reads, Outbox::each(outboxes))?;
        }
        Ok(())
    }

    /// The tasks of an operator.
    pub(super) fn tasks(
        &mut self,
        place: usize,
        mut operator: impl FnMut(usize) -> Box<dyn ChunkOperator>,
    ) -> Result<(), Error> {
        let outputs = self.outputs(place);
        let inboxes = std::mem::take(&mut self.inboxes[place]);
        let outboxes = std::mem::take(&mut self.outboxes[place]);
        let of = inboxes.len();
        for (worker, (inbox, outboxes)) in inboxes.into_iter().zip(outboxes).enumerate() {
            let task = OperatorTask::new(operator(worker), outputs.clone(), self.options.chunk_rows);
            let task = WatermarkOperator::new(inbox.channels(), task).with_idle(&self.idle[place]);
            let subtask = self.subtask(place, (worker, of));
            self.dataflow.task(subtask, inbox, task, Outbox::each(outboxes))?;
        }
        Ok(())
    }

    /// The task that publishes rows exactly once.
    pub(super) fn publish(
        &mut self,
        place: usize,
        table: &Table,
        target: Box<dyn Target>,
        options: SinkOptions,
    ) -> Result<(), Error> {
        let Some(inbox) = self.inboxes[place].pop() else {
            return Ok(());
        };
        let lines = Lines(RowWriter::of(table));
        let sink = ExactlyOnce::new(lines, target, options);
        let sink = WatermarkOperator::new(inbox.channels(), sink).with_idle(&self.idle[place]);
        let subtask = self.subtask(place, (0, 1));
        self.dataflow.task(subtask, inbox, sink, Outbox::none())
    }

    fn subtask(&self, place: usize, (number, of): (usize, usize)) -> Subtask<'a> {
        Subtask {
            operator: &self.graph.nodes[place].id,
            number,
            of,
        }
    }
}

/// How a table makes its watermarks.
fn strategy(table: &Table) -> Strategy {
    let idle_timeout = match &table.connector {
        Connector::Kafka(kafka) => kafka.idle_timeout,
        _ => None,
    };
    let idle_timeout = idle_timeout.map(|span| Duration::from_millis(span.0.unsigned_abs()));
    let usual = Strategy::default();
    Strategy {
        idle_timeout: idle_timeout.or(usual.idle_timeout),
        ..usual
    }
}

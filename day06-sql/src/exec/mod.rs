//! A program as a job: its graph, with a task or several for each operator, and checkpoints of one coordinator.
//!
//! ```text
//! scan ─┬─ by key ─► group, join … ─► view ─► who reads the view
//!       └───────────────────────────► sink
//!  all of them ─ acks ─► coordinator
//! ```
//!
//! - [`graph`]: from queries to operators; [`identity`]: under which names their state is saved
//! - [`operator`]: the contract of operators and their task; [`grouping`], [`deliver`] and [`join`](crate::join): operators
//! - [`scan`]: where rows come in; [`steps`] and [`outputs`]: what is done with rows on their way
//! - [`open`]: what stands outside; [`report`]: what is said of windows; [`once`]: the same operators without a job

pub mod deliver;
pub mod graph;
pub mod grouping;
pub mod identity;
pub mod once;
pub mod open;
pub mod operator;
pub mod outputs;
pub mod report;
pub mod scan;
pub mod steps;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::sandbox::Sandbox;
use day02_state::error::Error;
use day02_state::job::{Options as Tasks, SourceTask, check_positions};
use day02_state::operator::Outcome;
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Inbox, Job, Mail, by_key, single};
use day04_watermarks::operator::{WatermarkOperator, without_splits};
use day04_watermarks::splits::Strategy;
use day05_checkpoints::dataflow::{Control, Dataflow, Subtask};
use day05_checkpoints::disk::Access;
use day05_checkpoints::ended::Ended;
use day05_checkpoints::job::{Checkpoints, START_ANEW};
use day05_checkpoints::sink::encoded::Encoded;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::target::Target;
use day05_checkpoints::sink::{Format, Sink as ExactlyOnce, SinkOptions};
use day05_checkpoints::store::Checkpoint;

use crate::format::encode::RowWriter;
use crate::join::Join;
use crate::keyed::KeyedChunk;
use crate::plan::{Connector, Query, Sink, Table};
use crate::view::{Epochs, View};
use deliver::Materialize;
use graph::{Graph, Work};
use identity::{Served, check_restored, has_ended, ids};
use open::{AnySource, Connectors, Inputs, Outside};
use operator::{ChunkOperator, OperatorTask};
use outputs::Outputs;
use scan::ScanReader;

/// How queries run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many workers each grouping has.
    pub workers: usize,
    /// How inputs are opened.
    pub inputs: Inputs,
    /// What to do with a record that cannot be read.
    pub on_bad_record: OnBadRecord,
    /// The changes of so many rows are put together, at most.
    pub chunk_rows: usize,
    /// What to do if Kafka has forgotten what was published last.
    pub lost_marker: LostMarker,
    /// What tells this job from others that publish to the same topics.
    pub job: String,
    /// Who may read files that are written.
    pub access: Access,
    /// How many bytes a sink may hold unpublished before it refuses rows.
    pub sink_buffer: usize,
    /// How much may lie between two tasks.
    pub buffers: Buffers,
    /// Whether each view shows a change as soon as it has come to it, and not epoch by epoch.
    pub shown_at_once: bool,
}

/// A job that runs queries.
pub struct Running {
    /// Its tasks.
    pub job: Job,
    /// Where to send [`Suspend`](day05_checkpoints::signal::Signal::Suspend).
    pub coordinator: Mail<Control>,
    /// By query, its view, if it has one.
    pub views: Vec<Option<View>>,
    /// All of the views in the same epoch.
    pub epochs: Epochs,
    /// By query, how the names of the tasks that group its rows begin.
    pub tasks: Vec<String>,
    /// Whether all inputs end by themselves.
    pub bounded: bool,
    /// Brokers inside the process, to be kept as long as the job runs.
    pub sandboxes: Vec<Sandbox>,
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

/// stdout, or whatever takes its place, for all queries that print.
#[derive(Clone)]
pub struct Printed(Arc<Mutex<Box<dyn Write + Send>>>);

impl Printed {
    /// Lines go here.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Printed(Arc::new(Mutex::new(Box::new(out))))
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// So many tasks run at once, each on a thread.
const MAX_TASKS: usize = 1_000;

/// The sources of a scan.
type Sources = Vec<Ended<AnySource>>;

/// A job while its graph is wired.
struct Wiring<'a> {
    graph: &'a Graph,
    served: &'a Served,
    options: &'a Options,
    epochs: Epochs,
    /// The checkpoint that the job goes on from; 0 if it begins.
    restored: u64,
    dataflow: Dataflow,
    /// By operator, for each of its tasks the way in, and an outbox for each lane.
    inboxes: Vec<Vec<Inbox<KeyedChunk, Control>>>,
    outboxes: Vec<Vec<Vec<Outbox<KeyedChunk, Control>>>>,
    /// By operator, which of its channels are idle from the start.
    idle: Vec<Vec<usize>>,
    views: Vec<View>,
}

// ANCHOR: wire
/// Wires queries over what their tables are connected to. What they print goes to `printed`.
pub fn wire(
    queries: &[Query],
    options: &Options,
    printed: &Printed,
    checkpoints: Checkpoints,
) -> Result<Running, Error> {
    wire_over(&mut Connectors(options), queries, options, printed, checkpoints)
}

/// Wires queries over anything that can stand outside of a job.
pub fn wire_over(
    outside: &mut impl Outside,
    queries: &[Query],
    options: &Options,
    printed: &Printed,
    checkpoints: Checkpoints,
) -> Result<Running, Error> {
    let ids = ids(queries);
    let snapshot = checkpoints.restore.as_ref().map(|restore| &restore.snapshot);
    let served = snapshot.map(Served::of).unwrap_or_default();
    let graph = Graph::of(queries, &ids, &served)?;
    if let Some(snapshot) = snapshot {
        check_restored(snapshot, &served, &graph, queries)?;
    }
    let (mut sandboxes, mut bounded, mut sources) = (Vec::new(), true, BTreeMap::new());
    for (place, node) in graph.nodes.iter().enumerate() {
        let Work::Scan(table, _) = &node.work else {
            continue;
        };
        let opened = outside.sources(table)?;
        sandboxes.extend(opened.sandbox);
        bounded &= opened.bounded;
        if let Some(snapshot) = snapshot {
            check_positions(snapshot, &node.id, &opened.sources)?;
        }
        let has_ended = snapshot.is_some_and(|snapshot| has_ended(snapshot, &graph, place));
        let opened = opened.sources.into_iter();
        let opened: Sources = opened.map(|source| Ended::new(source, has_ended)).collect();
        sources.insert(place, opened);
    }
    let durable = checkpoints.store.is_some();
    let mut wiring = Wiring::new(&graph, &served, options, checkpoints.restore, &sources)?;
    for (place, node) in graph.nodes.iter().enumerate() {
        match &node.work {
            Work::Scan(table, columns) => {
                let sources = sources.remove(&place).unwrap_or_default();
                wiring.scan(place, table, columns, sources)?;
            }
            Work::Sink(table) => match outside.target(table, durable)? {
                Some(target) => {
                    let sink = SinkOptions {
                        buffer: options.sink_buffer,
                        stop: checkpoints.stop.clone(),
                    };
                    wiring.publish(place, table, target, sink)?;
                }
                None => wiring.tasks(place, |_| deliver::end(table, printed))?,
            },
            Work::Group(grouping) => {
                let of = options.workers;
                wiring.tasks(place, |worker| grouping::operator(grouping, (worker, of)))?;
            }
            Work::Join(types) => wiring.tasks(place, |_| Box::new(Join::new(types.clone())))?,
            Work::View(fields) => {
                let (view, restored) = (wiring.epochs.view(fields.clone()), wiring.restored);
                wiring.views.push(view.clone());
                wiring.tasks(place, |_| Box::new(Materialize::new(view.clone(), restored)))?;
            }
        }
    }
    let Wiring {
        dataflow,
        views,
        epochs,
        ..
    } = wiring;
    let Checkpoints {
        store,
        schedule,
        listener,
        stop,
        ..
    } = checkpoints;
    let (job, coordinator) = dataflow.finish(store, schedule, listener, &stop)?;
    let mut views = views.into_iter();
    let has_view = |query: &Query| !matches!(query.sink, Sink::Table(_));
    Ok(Running {
        job,
        coordinator,
        views: queries
            .iter()
            .map(|query| has_view(query).then(|| views.next()).flatten())
            .collect(),
        epochs,
        tasks: ids.iter().map(|id| format!("{id} group ")).collect(),
        bounded,
        sandboxes,
    })
}
// ANCHOR_END: wire

impl<'a> Wiring<'a> {
    /// Connects the operators of a graph, edge by edge.
    fn new(
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
    fn scan(
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
    fn tasks(
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
    fn publish(
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

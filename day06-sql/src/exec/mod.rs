//! A program as a job: its graph, with a task or several for each operator, and checkpoints of one coordinator.
//!
//! ```text
//! scan ─┬─ by key ─► group, join … ─► view ─► who reads the view
//!       └───────────────────────────► sink
//!  all of them ─ acks ─► coordinator
//! ```
//!
//! - `wiring`: tasks and edges; [`graph`]: from queries to operators; [`identity`]: under which names their state is saved
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
mod wiring;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::sandbox::Sandbox;
use day02_state::error::Error;
use day02_state::job::check_positions;
use day02_state::runtime::{Buffers, Job, Mail};
use day05_checkpoints::dataflow::Control;
use day05_checkpoints::disk::Access;
use day05_checkpoints::ended::Ended;
use day05_checkpoints::job::{Checkpoints, START_ANEW};
use day05_checkpoints::sink::SinkOptions;
use day05_checkpoints::sink::kafka::LostMarker;

use crate::join::Join;
use crate::plan::{Query, Sink};
use crate::view::{Epochs, View};
use deliver::Materialize;
use graph::{Graph, Work};
use identity::{Served, check_restored, has_ended, ids};
use open::{Connectors, Inputs, Outside};
use wiring::{Sources, Wiring};

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
            let checked = check_positions(snapshot, &node.id, &opened.sources);
            checked.map_err(|error| match error {
                Error::UnknownSplit { split } => {
                    let said = format!("it has a position in {split}, which is not part of the input");
                    Error::Restore(format!("{said}; to start anew, {START_ANEW}").into())
                }
                error => error,
            })?;
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

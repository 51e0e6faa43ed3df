//! Queries as a job: a line of tasks for each, all with checkpoints of one coordinator.
//!
//! ```text
//! query 1   source ─ by key ─► worker ─► sink ┐
//! query 2   source ─ by key ─► worker ─► view ┴─ acks ─► coordinator
//! ```

pub mod deliver;
pub mod grouping;
mod identity;
pub mod lower;
pub mod once;
pub mod open;
pub mod report;
pub mod scan;
pub mod steps;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::sandbox::Sandbox;
use day02_state::error::Error;
use day02_state::job::{Options as Tasks, SourceTask, check_positions};
use day02_state::operator::Outcome;
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Mail, by_key, single};
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

use crate::format::encode::RowWriter;
use crate::format::print::Printer;
use crate::keyed::KeyedChunk;
use crate::plan::{Connector, Query, Sink, Table};
use crate::view::View;
use deliver::Deliver;
use grouping::GroupWorker;
use identity::{check_restored, has_ended, ids, task_id};
use lower::{Line, lower};
use open::{AnySource, Connectors, Inputs, Outside, check_writers};
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
}

/// A job that runs queries.
pub struct Running {
    /// Its tasks.
    pub job: Job,
    /// Where to send [`Suspend`](day05_checkpoints::signal::Signal::Suspend).
    pub coordinator: Mail<Control>,
    /// By query, its view, if it has one.
    pub views: Vec<Option<View>>,
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

/// A query with what it reads.
struct Reading<'a> {
    query: &'a Query,
    /// Under which its state is saved.
    id: String,
    line: &'a Line,
    /// The table at the beginning of the line, and which columns of it.
    table: &'a Table,
    columns: &'a [usize],
    sources: Vec<Ended<AnySource>>,
}

/// A job while its queries are wired.
struct Wiring<'a> {
    dataflow: Dataflow,
    options: &'a Options,
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
    check_writers(queries)?;
    let ids = ids(queries);
    if let Some(restore) = &checkpoints.restore {
        check_restored(&restore.snapshot, queries, &ids)?;
    }
    let durable = checkpoints.store.is_some();
    let lines = queries.iter().map(|query| lower(&query.plan));
    let lines = lines.collect::<Result<Vec<Line>, Error>>()?;
    let (mut sandboxes, mut bounded, mut readings) = (Vec::new(), true, Vec::new());
    for ((query, id), line) in queries.iter().zip(ids).zip(&lines) {
        let (table, columns) = line.scan.table()?;
        let opened = outside.sources(table)?;
        sandboxes.extend(opened.sandbox);
        bounded &= opened.bounded;
        let restore = checkpoints.restore.as_ref();
        if let Some(restore) = restore {
            check_positions(&restore.snapshot, &task_id(&id, "source"), &opened.sources)?;
        }
        let has_ended = restore.is_some_and(|restore| has_ended(&restore.snapshot, &id, line));
        let sources = opened.sources.into_iter();
        let sources = sources.map(|source| Ended::new(source, has_ended)).collect();
        readings.push(Reading {
            query,
            id,
            line,
            table,
            columns,
            sources,
        });
    }
    let mut wiring = Wiring {
        dataflow: Dataflow::new(options.buffers, checkpoints.restore),
        options,
    };
    let (mut views, mut tasks) = (Vec::new(), Vec::new());
    for reading in readings {
        let (query, id) = (reading.query, reading.id.clone());
        let rows = wiring.line(reading)?;
        tasks.push(task_id(&id, "group "));
        let target = match &query.sink {
            Sink::Table(table) => outside.target(table, durable)?,
            Sink::View(_) | Sink::Result => None,
        };
        let sink = SinkOptions {
            buffer: options.sink_buffer,
            stop: checkpoints.stop.clone(),
        };
        let target = target.map(|target| (target, sink));
        views.push(wiring.sink(query, &id, rows, target, printed)?);
    }
    let Checkpoints {
        store,
        schedule,
        listener,
        stop,
        ..
    } = checkpoints;
    let (job, coordinator) = wiring.dataflow.finish(store, schedule, listener, &stop)?;
    Ok(Running {
        job,
        coordinator,
        views,
        tasks,
        bounded,
        sandboxes,
    })
}
// ANCHOR_END: wire

impl Wiring<'_> {
    /// Wires a query up to its sink; returns where its results arrive.
    fn line(&mut self, reading: Reading<'_>) -> Result<Inbox<KeyedChunk, Control>, Error> {
        let (options, line) = (self.options, reading.line);
        let mut senders = reading.sources.len();
        let mut idle = without_splits(&reading.sources);
        let Edge {
            outboxes,
            mut inboxes,
        } = self.edge(line, 0, senders);
        let operator = task_id(&reading.id, "source");
        let reader = || reader(reading.table, reading.columns, line);
        for (number, (source, outbox)) in reading.sources.into_iter().zip(outboxes).enumerate() {
            let tasks = Tasks {
                on_bad_record: options.on_bad_record,
                ..Tasks::default()
            };
            let task = SourceTask::new(source, reader(), &tasks).with_start_anew(START_ANEW);
            let subtask = Subtask {
                operator: &operator,
                number,
                of: 1,
            };
            self.dataflow.source(subtask, task, SourceTask::reads, outbox)?;
        }
        for (number, grouping) in line.groupings.iter().enumerate() {
            let next = self.edge(line, number + 1, options.workers);
            let operator = task_id(&reading.id, &format!("group {number}"));
            let pairs = inboxes.into_iter().zip(next.outboxes);
            for (worker, (inbox, outbox)) in pairs.enumerate() {
                let of = options.workers;
                let keys = line.keys_of(number + 1);
                let grouped = GroupWorker::new((worker, of), grouping, keys, options.chunk_rows);
                let subtask = Subtask {
                    operator: &operator,
                    number: worker,
                    of,
                };
                let grouped = WatermarkOperator::new(senders, grouped).with_idle(&idle);
                self.dataflow.task(subtask, inbox, grouped, outbox)?;
            }
            senders = options.workers;
            idle.clear();
            inboxes = next.inboxes;
        }
        Ok(inboxes.into_iter().fold(Inbox::none(), Inbox::merge))
    }

    /// The edge in front of a grouping, or, behind the last one, of the sink.
    fn edge(&self, line: &Line, grouping: usize, senders: usize) -> Edge<KeyedChunk, Control> {
        match line.groupings.get(grouping) {
            Some(_) => by_key(senders, self.options.workers, self.options.buffers),
            None => single(senders, self.options.buffers),
        }
    }

    /// Wires what takes the results of a query; returns its view, if it is one.
    fn sink(
        &mut self,
        query: &Query,
        id: &str,
        rows: Inbox<KeyedChunk, Control>,
        target: Option<(Box<dyn Target>, SinkOptions)>,
        printed: &Printed,
    ) -> Result<Option<View>, Error> {
        let operator = task_id(id, "sink");
        let subtask = Subtask {
            operator: &operator,
            number: 0,
            of: 1,
        };
        let (channels, fields) = (rows.channels(), query.plan.fields());
        let (deliver, view) = match &query.sink {
            Sink::Table(table) => {
                if let Some((target, options)) = target {
                    let lines = Lines(RowWriter::of(table));
                    let sink = WatermarkOperator::new(channels, ExactlyOnce::new(lines, target, options));
                    self.dataflow.task(subtask, rows, sink, Outbox::none())?;
                    return Ok(None);
                }
                match &table.connector {
                    Connector::Print { identifier } => {
                        let printer = Printer::new(identifier.as_deref());
                        (Deliver::Print(printer, Box::new(printed.clone())), None)
                    }
                    _ => (Deliver::Blackhole, None),
                }
            }
            Sink::View(_) | Sink::Result => {
                let view = View::new(fields);
                (Deliver::View(view.clone()), Some(view))
            }
        };
        self.dataflow.task(
            subtask,
            rows,
            WatermarkOperator::new(channels, deliver),
            Outbox::none(),
        )?;
        Ok(view)
    }
}

/// What reads these columns of a table for a line.
fn reader(table: &Table, columns: &[usize], line: &Line) -> ScanReader {
    let idle_timeout = match &table.connector {
        Connector::Kafka(kafka) => kafka.idle_timeout,
        _ => None,
    };
    let idle_timeout = idle_timeout.map(|span| Duration::from_millis(span.0.unsigned_abs()));
    let usual = Strategy::default();
    let strategy = Strategy {
        idle_timeout: idle_timeout.or(usual.idle_timeout),
        ..usual
    };
    ScanReader::new(table, columns, &line.steps, line.keys_of(0), strategy)
}

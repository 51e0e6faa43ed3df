//! Queries as a job: a line of tasks for each, all with checkpoints of one coordinator.
//!
//! ```text
//! query 1   source ─ by key ─► worker ─► sink ┐
//! query 2   source ─ by key ─► worker ─► view ┼─ reports ─► collect
//!                                             └─ acks ────► coordinator
//! ```
//!
//! What is saved carries the name of the query's sink, what the task does, and a fingerprint of the plan. A job whose SQL
//! was changed since the checkpoint therefore does not take up state that means something else.

pub mod deliver;
pub mod grouping;
pub mod lower;
pub mod once;
pub mod open;
pub mod report;
pub mod scan;
pub mod steps;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::sandbox::Sandbox;
use day02_state::error::Error;
use day02_state::job::{Collect, Options as Tasks, Orders, Report, check_positions};
use day02_state::keys::hash;
use day02_state::operator::Outcome;
use day02_state::outbox::Outbox;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Mail, by_key, single};
use day03_windows::time::Span;
use day04_watermarks::generator::GRID;
use day04_watermarks::splits::Strategy;
use day04_watermarks::valved::Valved;
use day05_checkpoints::dataflow::{Control, Dataflow, Place};
use day05_checkpoints::disk::Folder;
use day05_checkpoints::job::Checkpoints;
use day05_checkpoints::sink::encoded::Encoded;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::{Format, Sink as ExactlyOnce};

use crate::format::encode::RowWriter;
use crate::format::print::Printer;
use crate::keyed::KeyedChunk;
use crate::plan::{Connector, FileFormat, Query, Sink, Table};
use crate::view::View;
use deliver::Deliver;
use grouping::{Cut, GroupWorker};
use lower::{Line, Scan, lower};
use open::{Inputs, Opened, open_sources, open_target};
use report::{Heard, Listen, Watch, WorkerReport};
use scan::ScanReader;

/// After how long a silent partition holds windows back no longer, unless its table says otherwise.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// How often tasks report; never if there is nobody to see it.
    pub report_every: Option<Duration>,
    /// What to do if Kafka has forgotten what was published last.
    pub lost_marker: LostMarker,
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
    /// Whether all inputs end by themselves.
    pub bounded: bool,
    /// What has been heard of it.
    pub heard: Heard,
    /// Brokers inside the process, to be kept as long as the job runs.
    pub sandboxes: Vec<Sandbox>,
}

/// Rows as the lines of a file, or the records of a topic.
struct Lines(RowWriter);

impl Format for Lines {
    type In = KeyedChunk;
    type Out = Vec<()>;

    fn encode(&mut self, rows: KeyedChunk, to: &mut Encoded) -> Outcome<Vec<()>> {
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

/// A job while its queries are wired.
struct Wiring<'a> {
    dataflow: Dataflow,
    options: &'a Options,
    reports: Inbox<Vec<Report<WorkerReport>>, Control>,
    /// How many workers there are so far, to tell their reports apart.
    workers: usize,
    sources: usize,
}

// ANCHOR: wire
/// Wires queries. What they print goes to `printed`, and what they report to `watch`.
pub fn wire(
    queries: &[Query],
    options: &Options,
    printed: &Printed,
    watch: impl Watch + 'static,
    checkpoints: Checkpoints<Folder>,
) -> Result<Running, Error> {
    let open = |table: &Table| open_sources(table, &options.inputs);
    wire_over(queries, options, printed, watch, checkpoints, open)
}

/// The same, with the input of each query from `open`, in place of what its table names.
pub fn wire_over(
    queries: &[Query],
    options: &Options,
    printed: &Printed,
    watch: impl Watch + 'static,
    checkpoints: Checkpoints<Folder>,
    mut open: impl FnMut(&Table) -> Result<Opened, Error>,
) -> Result<Running, Error> {
    let durable = checkpoints.store.is_some();
    let lines = queries.iter().map(|query| Ok((query, lower(&query.plan)?)));
    let lines: Vec<(&Query, Line)> = lines.collect::<Result<_, Error>>()?;
    let (mut sandboxes, mut bounded, mut inputs) = (Vec::new(), true, Vec::new());
    for (query, line) in &lines {
        let table = table_of(&line.scan)?;
        let opened = open(table)?;
        sandboxes.extend(opened.sandbox);
        bounded &= opened.bounded;
        if let Some(restore) = &checkpoints.restore {
            check_positions(&restore.snapshot, &id(query, "source"), &opened.sources)?;
        }
        inputs.push(opened.sources);
    }
    let mut wiring = Wiring {
        dataflow: Dataflow::new(options.buffers, checkpoints.restore),
        options,
        reports: Inbox::none(),
        workers: 0,
        sources: 0,
    };
    let mut views = Vec::new();
    for ((query, line), sources) in lines.iter().zip(inputs) {
        let rows = wiring.line(query, line, sources)?;
        views.push(wiring.sink(query, rows, printed, durable)?);
    }
    let heard = Heard::default();
    let listen = Listen {
        heard: heard.clone(),
        watch,
    };
    let Wiring {
        mut dataflow,
        reports,
        ..
    } = wiring;
    dataflow.onlooker("collect", reports, Collect::new(listen));
    let Checkpoints {
        store,
        schedule,
        listener,
        stop,
        ..
    } = checkpoints;
    let (job, coordinator) = dataflow.finish(store, schedule, listener, &stop)?;
    Ok(Running {
        job,
        coordinator,
        views,
        bounded,
        heard,
        sandboxes,
    })
}
// ANCHOR_END: wire

/// The table that a query reads.
fn table_of(scan: &Scan) -> Result<&Table, Error> {
    match scan {
        Scan::Table(table, _) => Ok(table),
        Scan::View(name) => {
            let said = format!(
                "a query that goes on while the view {name} changes is not supported yet; SELECT reads it once"
            );
            Err(InputError::Usage(said).into())
        }
    }
}

/// The id under which the state of a query's task is saved.
fn id(query: &Query, task: &str) -> String {
    let name = match &query.sink {
        Sink::Table(table) => &table.name,
        Sink::View(name) => name,
        Sink::Result => "result",
    };
    let fingerprint = hash(query.to_string().as_bytes()) >> 32;
    format!("{name} {fingerprint:08x} {task}")
}

impl Wiring<'_> {
    /// Wires a query up to its sink; returns where its results arrive.
    fn line(
        &mut self,
        query: &Query,
        line: &Line,
        sources: Vec<open::AnySource>,
    ) -> Result<Inbox<KeyedChunk, Control>, Error> {
        let (options, buffers) = (self.options, self.options.buffers);
        let mut senders = sources.len();
        let mut edge = self.edge(line, 0, senders);
        let outboxes = std::mem::take(&mut edge.outboxes);
        for (number, (source, outbox)) in sources.into_iter().zip(outboxes).enumerate() {
            let tasks = Tasks {
                on_bad_record: options.on_bad_record,
                report_every: options.report_every,
                ..Tasks::default()
            };
            let task = Orders::new(self.sources, source, self.reader(line)?, &tasks);
            self.sources += 1;
            let operator = id(query, "source");
            let place = Place {
                operator: &operator,
                number,
                of: 1,
            };
            let reports = self.reports();
            self.dataflow
                .source(place, task, Orders::reads, outbox.split(reports))?;
        }
        for (number, grouping) in line.groupings.iter().enumerate() {
            let next = self.edge(line, number + 1, options.workers);
            let cut = Cut {
                chunk_rows: options.chunk_rows,
                report_every: options.report_every,
            };
            let operator = id(query, &format!("group {number}"));
            let pairs = edge.inboxes.into_iter().zip(next.outboxes);
            for (place, (inbox, outbox)) in pairs.enumerate() {
                let of = options.workers;
                let keys = line.keys_of(number + 1);
                let worker = GroupWorker::new(self.workers, (place, of), grouping, keys, &cut);
                self.workers += 1;
                let place = Place {
                    operator: &operator,
                    number: place,
                    of,
                };
                let reports = self.reports();
                let worker = Valved::new(senders, worker);
                self.dataflow.task(place, inbox, worker, outbox.split(reports))?;
            }
            (senders, edge) = (
                options.workers,
                Edge {
                    outboxes: Vec::new(),
                    inboxes: next.inboxes,
                },
            );
        }
        let _ = buffers;
        Ok(edge.inboxes.into_iter().fold(Inbox::none(), Inbox::merge))
    }

    /// The edge in front of a grouping, or, behind the last one, of the sink.
    fn edge(&self, line: &Line, grouping: usize, senders: usize) -> Edge<KeyedChunk, Control> {
        match line.groupings.get(grouping) {
            Some(_) => by_key(senders, self.options.workers, self.options.buffers),
            None => single(senders, self.options.buffers),
        }
    }

    fn reader(&self, line: &Line) -> Result<ScanReader, Error> {
        let Scan::Table(table, columns) = &line.scan else {
            return table_of(&line.scan).map(|_| unreachable!("a table is no view"));
        };
        let idle_timeout = match &table.connector {
            Connector::Kafka { idle_timeout, .. } => *idle_timeout,
            _ => None,
        };
        let idle_timeout = idle_timeout.map(|span| Duration::from_millis(span.0.unsigned_abs()));
        let strategy = Strategy {
            delay: Span(0),
            grid: GRID,
            idle_timeout: idle_timeout.or(Some(IDLE_TIMEOUT)),
        };
        Ok(ScanReader::new(
            table,
            columns,
            &line.steps,
            line.keys_of(0),
            strategy,
        ))
    }

    /// One more way to the collector.
    fn reports(&mut self) -> Outbox<Vec<Report<WorkerReport>>, Control> {
        let Edge {
            mut outboxes,
            inboxes,
        } = single(1, self.options.buffers);
        let reports = std::mem::replace(&mut self.reports, Inbox::none());
        self.reports = inboxes.into_iter().fold(reports, Inbox::merge);
        outboxes.remove(0)
    }

    /// Wires what takes the results of a query; returns its view, if it is one.
    fn sink(
        &mut self,
        query: &Query,
        rows: Inbox<KeyedChunk, Control>,
        printed: &Printed,
        durable: bool,
    ) -> Result<Option<View>, Error> {
        let operator = id(query, "sink");
        let place = Place {
            operator: &operator,
            number: 0,
            of: 1,
        };
        let (channels, fields) = (rows.channels(), query.plan.fields());
        let (deliver, view) = match &query.sink {
            Sink::Table(table) => {
                if let Some(target) = open_target(table, durable, self.options.lost_marker)? {
                    let format = match &table.connector {
                        Connector::Filesystem { format, .. } => *format,
                        _ => FileFormat::Json,
                    };
                    let written = table.columns.iter().filter(|column| column.is_written());
                    let names: Vec<_> = written.map(|column| column.field.clone()).collect();
                    let lines = Lines(RowWriter::new(&names, format));
                    let sink = Valved::new(channels, ExactlyOnce::new(lines, target));
                    self.dataflow.task(place, rows, sink, Outbox::none())?;
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
        self.dataflow
            .task(place, rows, Valved::new(channels, deliver), Outbox::none())?;
        Ok(view)
    }
}

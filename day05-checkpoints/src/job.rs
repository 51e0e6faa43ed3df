//! The job of day 5: the windows of day 4, with checkpoints, and a sink that publishes each window once.
//!
//! ```text
//!   sources ── orders by merchant ──► windows ── closed windows ──► sink ──► collect
//! ```
//!
//! The sink stands between the workers and the collector: what it has taken it hands on, for those who watch. The collector
//! takes no part in checkpoints. What it has shown is not taken back by a crash, and may be shown again.

use day01_consumer::Error as InputError;
use day01_consumer::lab::table::{self, Format as Text};
use day01_consumer::source::Source;
use day02_state::error::Error;
use day02_state::job::{self as day02, SOURCE, SourceTask};
use day02_state::operator::Outcome;
use day02_state::order::Cents;
use day02_state::runtime::{Buffers, Edge, Inbox, Job, Mail, Stop, by_key, single};
use day03_windows::cli::{columns, row};
use day03_windows::job::{AnswerSlot, OnClosed, WINDOWS, WindowOutput, closed_windows};
use day03_windows::time::Span;
use day04_watermarks::alignment::Alignment;
use day04_watermarks::job::{Options, worker};
use day04_watermarks::late;
use day04_watermarks::operator::{WatermarkOperator, without_splits};
use day04_watermarks::reader::TimestampReader;

use crate::coordinator::{Listener, Schedule};
use crate::dataflow::{Control, Dataflow, Subtask};
use crate::ended::{Ended, has_ended};
use crate::sink::encoded::Encoded;
use crate::sink::target::Target;
use crate::sink::{Format, Sink, SinkOptions};
use crate::store::{Checkpoint, CheckpointStorage};

/// The id under which the state of the sink is saved.
pub const SINK: &str = "sink";
/// The id under which the state of the sink for late orders is saved.
pub const LATE_SINK: &str = "late sink";

/// How a person starts without a checkpoint.
pub const START_ANEW: &str = "take another --checkpoint-dir";

/// How checkpoints are taken.
pub struct Checkpoints {
    /// Where they are kept. Without a store they only divide what is published.
    pub store: Option<Box<dyn CheckpointStorage>>,
    /// The one to go on from.
    pub restore: Option<Checkpoint>,
    /// When.
    pub schedule: Schedule,
    /// Who hears of them.
    pub listener: Listener,
    /// Where late orders are published with them, if anywhere.
    pub late: Option<Box<dyn Target>>,
    /// Stops the job, which the last checkpoint does too when it was asked to.
    pub stop: Stop,
}

impl Checkpoints {
    /// Those of a job that begins anew, at the usual times, and tells nobody.
    pub fn new(store: Option<Box<dyn CheckpointStorage>>, stop: &Stop) -> Self {
        Checkpoints {
            store,
            restore: None,
            schedule: Schedule::default(),
            listener: Box::new(|_| {}),
            late: None,
            stop: stop.clone(),
        }
    }
}

/// Where closed windows are published, as what, and how.
pub struct Publishes {
    /// As what.
    pub text: Text,
    /// Where.
    pub target: Box<dyn Target>,
    /// How. The sink hears of the end of the job by itself.
    pub options: SinkOptions,
}

impl Publishes {
    /// With the usual options.
    pub fn new(text: Text, target: impl Target + 'static) -> Self {
        Publishes {
            text,
            target: Box::new(target),
            options: SinkOptions::default(),
        }
    }
}

/// Closed windows as lines of text, with the number of the pane or without.
pub struct Lines {
    /// As what.
    pub text: Text,
    /// Whether windows may close again.
    pub with_pane: bool,
}

impl Format for Lines {
    type In = WindowOutput;
    type Out = WindowOutput;

    fn encode(&mut self, output: WindowOutput, rows: &mut Encoded) -> Outcome<WindowOutput> {
        for window in closed_windows(&output.closed) {
            let (mut line, row) = (Vec::new(), row(&window, self.with_pane));
            table::append(&mut line, self.text, columns(self.with_pane), [row])
                .map_err(InputError::Output)?;
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            rows.push(Some(window.merchant_id.as_bytes()), line);
        }
        Ok(output)
    }
}

/// Late orders as lines of JSON.
pub struct LateLines;

impl Format for LateLines {
    type In = WindowOutput;
    type Out = WindowOutput;

    fn encode(&mut self, output: WindowOutput, rows: &mut Encoded) -> Outcome<WindowOutput> {
        for order in &output.late {
            let mut line = Vec::new();
            late::append(order, &mut line)?;
            rows.push(Some(order.merchant_id.as_bytes()), &line);
        }
        Ok(output)
    }
}

// ANCHOR: wire
/// Wires the job. What closes is handed to `on_closed`, and published to the target if there is one. Returns with it where the answer is left, and where to send
/// [`Suspend`](crate::signal::Signal::Suspend).
pub fn wire<S: Source + Send + 'static>(
    sources: Vec<S>,
    options: &Options,
    on_closed: impl OnClosed + 'static,
    target: Option<Publishes>,
    mut checkpoints: Checkpoints,
) -> Result<(Job, AnswerSlot, Mail<Control>), Error> {
    if let Some(restore) = &checkpoints.restore {
        day02::check_positions(&restore.snapshot, SOURCE, &sources).map_err(advised)?;
    }
    let restore = checkpoints.restore.as_ref();
    let has_ended = restore.is_some_and(|restore| has_ended(&restore.snapshot));
    let sources = sources.into_iter().map(|source| Ended::new(source, has_ended));
    let sources = sources.collect();
    let dataflow = Dataflow::new(options.windows.tasks.buffers, checkpoints.restore.take());
    wire_on(dataflow, sources, options, on_closed, target, checkpoints)
}

/// With the way out that there is on this day.
fn advised(error: Error) -> Error {
    match error {
        Error::UnknownSplit { split } => Error::Restore(
            format!(
                "it has a position in {split}, which is not part of the input; to start anew, {START_ANEW}"
            )
            .into(),
        ),
        error => error,
    }
}

/// Wires the job on a dataflow that is there already, with what it has to restore.
pub(crate) fn wire_on<S: Source + Send + 'static>(
    mut dataflow: Dataflow,
    sources: Vec<S>,
    options: &Options,
    on_closed: impl OnClosed + 'static,
    target: Option<Publishes>,
    checkpoints: Checkpoints,
) -> Result<(Job, AnswerSlot, Mail<Control>), Error> {
    let Options { windows, watermarks } = options;
    let tasks = &windows.tasks;
    let slot = AnswerSlot::new(windows);
    let (readers, workers) = (sources.len(), tasks.workers);
    let idle = without_splits(&sources);
    let rows: Edge<_, Control> = by_key(readers, workers, tasks.buffers);
    let from_workers = single(workers, tasks.buffers);

    let mut alignments = Alignment::of_sources(watermarks.max_drift, readers);
    for (number, (source, outbox)) in sources.into_iter().zip(rows.outboxes).enumerate() {
        let subtask = Subtask {
            operator: SOURCE,
            number,
            of: 1,
        };
        let reader = TimestampReader::<Cents>::new(*watermarks, alignments.next());
        let reader = reader.with_max_key(tasks.max_key);
        let task = SourceTask::new(source, reader, tasks).with_start_anew(START_ANEW);
        dataflow.source(subtask, task, SourceTask::reads, outbox)?;
    }
    let edges = rows.inboxes.into_iter().zip(from_workers.outboxes);
    for (number, (inbox, outbox)) in edges.enumerate() {
        let subtask = Subtask {
            operator: WINDOWS,
            number,
            of: workers,
        };
        dataflow.task(subtask, inbox, worker(readers, windows).with_idle(&idle), outbox)?;
    }
    let Checkpoints {
        store,
        schedule,
        listener,
        late,
        stop,
        ..
    } = checkpoints;
    let mut inbox = from_workers.inboxes.into_iter().fold(Inbox::none(), Inbox::merge);
    if let Some(publishes) = target {
        let lines = Lines {
            text: publishes.text,
            with_pane: windows.lateness > Span(0),
        };
        let options = SinkOptions {
            stop: stop.clone(),
            ..publishes.options
        };
        let sink = Sink::new(lines, publishes.target, options);
        inbox = through(&mut dataflow, SINK, inbox, sink, tasks.buffers)?;
    }
    if let Some(target) = late {
        let options = SinkOptions {
            stop: stop.clone(),
            ..SinkOptions::default()
        };
        let sink = Sink::new(LateLines, target, options);
        inbox = through(&mut dataflow, LATE_SINK, inbox, sink, tasks.buffers)?;
    }
    let collector = slot.collector(on_closed, inbox.channels());
    dataflow.observer("collect", inbox, collector);

    let (job, mail) = dataflow.finish(store, schedule, listener, &stop)?;
    let slot = slot.with_board(job.board());
    Ok((job, slot, mail))
}
// ANCHOR_END: wire

/// Puts a sink into the way of the workers' output, which goes on behind it.
fn through<F>(
    dataflow: &mut Dataflow,
    operator: &'static str,
    inbox: Inbox<WindowOutput, Control>,
    sink: Sink<F, Box<dyn Target>>,
    buffers: Buffers,
) -> Result<Inbox<WindowOutput, Control>, Error>
where
    F: Format<In = WindowOutput, Out = WindowOutput> + 'static,
{
    let sink = WatermarkOperator::new(inbox.channels(), sink);
    let subtask = Subtask {
        operator,
        number: 0,
        of: 1,
    };
    let Edge {
        mut outboxes,
        inboxes,
    } = single(1, buffers);
    dataflow.task(subtask, inbox, sink, outboxes.remove(0))?;
    Ok(inboxes.into_iter().fold(Inbox::none(), Inbox::merge))
}

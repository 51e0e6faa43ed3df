//! The options of day 5.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use day01_consumer::Error as InputError;
use day01_consumer::cli::{InputArgs, SourceArgs};
use day01_consumer::files::real_path;
use day02_state::cli::TaskArgs;
use day02_state::error::Error;
use day03_windows::cli::WindowArgs;
use day03_windows::time::Span;
use day04_watermarks::cli::TimeArgs;

use super::checkpoint_dir::CheckpointDir;
use super::inspect::CheckpointCommand;
use crate::coordinator::Schedule;
use crate::disk::Access;
use crate::sink::kafka::LostMarker;

/// Counts and sums orders per merchant_id and window of event time, and survives being killed at any moment.
#[derive(Debug, clap::Parser)]
#[command(name = "day05-checkpoints", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Checkpoints:
  With --checkpoint-dir, the program saves state and positions there every --checkpoint-interval. A
  run with the same directory restores the last checkpoint; --from is then ignored. The number of
  workers and sources may differ, the windows may not. The last three checkpoints are kept. Ctrl-C
  takes one more checkpoint. A job that has reached the end of its input (--until-end, or files) has
  closed its last windows, and accepts no more input.
  s3://BUCKET/PREFIX is a directory in an object store. The variables AWS_ENDPOINT, AWS_REGION,
  AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say which one; AWS_ALLOW_HTTP=true permits access
  without TLS. It has no lock: the newest run owns it, and an older run ends at its next checkpoint.

Results:
  --sink print        to stdout; after a crash, windows may be printed again
  --sink file:DIR     a file for each checkpoint, each window in exactly one of them
  --sink kafka:TOPIC  in transactions, each window exactly once for readers with read_committed
  --sink postgres://USER:PASSWORD@HOST:PORT/DATABASE
                      a row for each window, in a table that is created if it is not there; the
                      password can be in PGPASSWORD, where other users of the machine do not see it.
                      Behind the URL, ?sslmode=verify-full&sslrootcert=FILE encrypts and checks who
                      answers; the modes are those of every client: disable, prefer (the default),
                      require, verify-ca and verify-full
  Output to files, Kafka or PostgreSQL is published when its checkpoint is complete, and needs
  --checkpoint-dir. If two runs publish to one topic or table, the newer one goes on, and the older
  one ends with an error.

Late orders:
  --late DIR          JSON lines, a file for each checkpoint, each order in exactly one of them;
                      without --checkpoint-dir a single file

Examples:
  day05-checkpoints                                    the demo: killed three times, nothing is lost
  day05-checkpoints --brokers localhost:9092 --checkpoint-dir checkpoints --sink kafka:windows
  day05-checkpoints --file orders.json --checkpoint-dir checkpoints --sink file:windows
  day05-checkpoints --file orders.json --checkpoint-dir s3://bucket/windows --sink file:windows
  day05-checkpoints checkpoint inspect checkpoints     show what the checkpoints in it hold

Results go to stdout or to the sink, everything else to stderr. Ctrl-C ends the run cleanly; a
second Ctrl-C aborts. Exit codes: 0 done or interrupted, 1 failed, 2 wrong usage, 130 aborted.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub checkpoints: CheckpointArgs,
    #[command(flatten)]
    pub sinks: SinkArgs,
    #[command(flatten)]
    pub time: TimeArgs,
    #[command(flatten)]
    pub windows: WindowArgs,
    #[command(flatten)]
    pub tasks: TaskArgs,
    #[command(flatten)]
    pub input: InputArgs,
}

/// When checkpoints are taken, and where they are kept.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 5: checkpoints")]
pub struct CheckpointArgs {
    /// Keep checkpoints in this directory, and restore the last one that is there; s3://BUCKET/PREFIX is a directory in
    /// an object store (see below)
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub checkpoint_dir: Option<CheckpointDir>,
    /// Time from the start of one checkpoint to the start of the next [default: 1s; in the demo of day 5 200ms]
    #[arg(long, value_name = "TIME", value_parser = positive)]
    pub checkpoint_interval: Option<Span>,
    /// Make checkpoint and result files readable by their owner only; for s3:// the bucket decides
    #[arg(long)]
    pub private: bool,
}

impl CheckpointArgs {
    /// Who may read what is written.
    pub fn access(&self) -> Access {
        match self.private {
            true => Access::Private,
            false => Access::Shared,
        }
    }

    /// When they are taken.
    pub fn schedule(&self) -> Schedule {
        match self.checkpoint_interval {
            Some(span) => Schedule::every(Some(Duration::from_millis(span.0.unsigned_abs()))),
            None => Schedule::default(),
        }
    }
}

fn positive(text: &str) -> Result<Span, String> {
    match text.parse::<Span>()? {
        span if span > Span(0) => Ok(span),
        _ => Err("it must be longer than zero".to_string()),
    }
}

/// Where the result goes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 5: where the result goes")]
pub struct SinkArgs {
    /// print, file:DIR, kafka:TOPIC on the same --brokers, or postgres:URL
    #[arg(long, value_name = "WHERE", default_value = "print")]
    pub sink: SinkArg,
    /// The table of --sink postgres:URL
    #[arg(long, value_name = "NAME", default_value = "windows")]
    pub sink_table: String,
    #[command(flatten)]
    pub publish: PublishArgs,
}

/// How a result is published.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Day 5: where the result goes")]
pub struct PublishArgs {
    /// What to do if Kafka has forgotten which epoch was published last, as it does after a week without a run: end
    /// with an error, take the epoch as published, or publish it again
    #[arg(long, value_enum, default_value_t)]
    pub lost_marker: LostMarker,
    /// How many bytes may wait to be published before the job stops reading; the output between two checkpoints must
    /// fit into memory in any case
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    pub sink_buffer: Bytes,
}

/// A number of bytes, as it is written in options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub usize);

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("B", 0)];
        let written = units
            .into_iter()
            .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
        written
            .and_then(|(number, shift)| number.parse::<usize>().ok()?.checked_mul(1 << shift))
            .filter(|bytes| *bytes > 0)
            .map(Bytes)
            .ok_or("expected a size, such as 64MiB or 1GiB")
    }
}

/// A place for results.
#[derive(Clone, PartialEq, Eq)]
pub enum SinkArg {
    /// stdout.
    Print,
    /// Files in this folder.
    File(PathBuf),
    /// A topic.
    Kafka(String),
    /// A table in the database of this URL, which may hold a password.
    Postgres(String),
    /// None of them. An error that shows the value could show a password.
    Unknown,
}

impl FromStr for SinkArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            None if text == "print" => SinkArg::Print,
            Some(("file", folder)) if !folder.is_empty() => SinkArg::File(folder.into()),
            Some(("kafka", topic)) if !topic.is_empty() => SinkArg::Kafka(topic.to_string()),
            Some(("postgres" | "postgresql", url)) if !url.is_empty() => SinkArg::Postgres(url.to_string()),
            _ => SinkArg::Unknown,
        })
    }
}

/// Without the password of a URL.
impl fmt::Debug for SinkArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkArg::Print => f.write_str("print"),
            SinkArg::File(folder) => write!(f, "file:{}", folder.display()),
            SinkArg::Kafka(topic) => write!(f, "kafka:{topic}"),
            SinkArg::Postgres(_) => f.write_str("postgres:…"),
            SinkArg::Unknown => f.write_str("unknown"),
        }
    }
}

/// What there is beside the job.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Looks into checkpoints
    Checkpoint {
        /// What to do with them.
        #[command(subcommand)]
        command: CheckpointCommand,
    },
}

impl Cli {
    /// Whether there is neither an input nor a place for checkpoints: the demo brings both.
    pub fn is_demo(&self) -> bool {
        let SourceArgs { brokers, files, .. } = &self.input.source;
        brokers.is_none()
            && files.is_empty()
            && self.checkpoints.checkpoint_dir.is_none()
            && self.sinks.sink == SinkArg::Print
            && self.time.lateness.is_none()
            && self.time.late.is_none()
    }

    /// Refuses what makes no sense together.
    pub fn check(&self) -> Result<(), Error> {
        self.windows.check()?;
        let SourceArgs {
            brokers,
            files,
            topic,
            ..
        } = &self.input.source;
        let usage = |said: &str| Err(InputError::Usage(said.to_string()).into());
        let (dir, sink) = (&self.checkpoints.checkpoint_dir, &self.sinks.sink);
        match (dir, sink) {
            (_, SinkArg::Unknown) => usage("--sink: expected print, file:DIR, kafka:TOPIC or postgres:URL"),
            (None, SinkArg::File(_) | SinkArg::Kafka(_) | SinkArg::Postgres(_)) => usage(
                "exactly-once output needs --checkpoint-dir: what was published is saved together with what was read",
            ),
            _ if brokers.is_none() && files.is_empty() => usage(
                "the sandbox is new and empty: --checkpoint-dir, --sink, --lateness and --late need --brokers or --file",
            ),
            (_, SinkArg::Kafka(_)) if brokers.is_none() => usage("--sink kafka:TOPIC needs --brokers"),
            (_, SinkArg::Kafka(to)) if to == topic => usage(&format!(
                "--sink kafka:{to} would write into the topic that is read"
            )),
            _ => self.check_outputs(),
        }
    }

    /// Refuses to write to what is read, and to one place from two sides.
    fn check_outputs(&self) -> Result<(), Error> {
        let dir = match &self.checkpoints.checkpoint_dir {
            Some(CheckpointDir::Folder(dir)) => Some(("--checkpoint-dir ", dir)),
            _ => None,
        };
        let sink = match &self.sinks.sink {
            SinkArg::File(folder) => Some(("--sink file:", folder)),
            _ => None,
        };
        let late = self.time.late.as_ref().map(|late| ("--late ", late));
        let mut places = BTreeSet::new();
        for (option, path) in [dir, sink, late].into_iter().flatten() {
            self.input
                .refuse_as_output(&format!("{option}{}", path.display()), path)?;
            if !places.insert(real_path(path)) {
                let said = "checkpoints, results and late orders need different directories";
                return Err(InputError::Usage(said.to_string()).into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_place_for_results_can_be_written() {
        let database = |url: &str| SinkArg::Postgres(url.to_string());
        #[rustfmt::skip]
        let table = [
            ("print",                  SinkArg::Print),
            ("file:a/b:c",             SinkArg::File("a/b:c".into())),
            ("kafka:windows",          SinkArg::Kafka("windows".to_string())),
            ("postgres://me:pw@h/d",   database("//me:pw@h/d")),
            ("postgresql://me:pw@h/d", database("//me:pw@h/d")),
            ("postgres:host=h user=m", database("host=h user=m")),
        ];
        for (text, sink) in table {
            assert_eq!(text.parse(), Ok(sink), "{text:?}");
        }
        for wrong in ["", "file", "file:", "kafka:", "postgres:", "topic:x", "print:"] {
            assert_eq!(wrong.parse(), Ok(SinkArg::Unknown), "{wrong:?}");
        }
        assert_eq!(format!("{:?}", database("//me:pw@h/d")), "postgres:…");
    }

    #[test]
    fn a_size_has_a_unit() {
        for (text, bytes) in [
            ("1B", 1),
            ("8KiB", 8 << 10),
            ("64MiB", 64 << 20),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for wrong in [
            "",
            "64",
            "MiB",
            "0MiB",
            "-1MiB",
            "64 MiB",
            "64MB",
            "99999999999999GiB",
        ] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        let check = |options: &[&str]| Cli::parse_from([&["day05-checkpoints"], options].concat()).check();
        let input = ["--brokers", "localhost:9092", "--checkpoint-dir", "c"];
        let with = |options: &[&str]| check(&[&input, options].concat());
        assert!(with(&["--sink", "kafka:windows"]).is_ok());
        assert!(with(&["--sink", "file:windows"]).is_ok());
        assert!(with(&["--sink", "kafka:orders"]).is_err());
        assert!(with(&["--sink", "file:c"]).is_err());
        assert!(with(&["--sink", "file:windows", "--late", "late"]).is_ok());
        assert!(with(&["--sink", "file:windows", "--late", "windows"]).is_err());
        assert!(with(&["--late", "c"]).is_err());
        assert!(check(&["--file", "orders.json", "--sink", "file:windows"]).is_err());
        assert!(check(&["--checkpoint-dir", "c"]).is_err());
        assert!(check(&["--file", "o.json", "--checkpoint-dir", "c", "--sink", "kafka:w"]).is_err());
    }
}

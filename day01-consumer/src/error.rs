//! Everything that can end a run of day 1, with what a person needs to act on it.
//!
//! One closed enum: each variant names the broker, topic, split, offset, file or option that it is about, and its text
//! says what to do next where that is not obvious. Later days wrap this enum, they do not extend it.

use std::borrow::Borrow;
use std::io;
use std::path::PathBuf;

/// Why a run of day 1 ended early.
#[expect(missing_docs, reason = "the message says what most fields are")]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No broker answered in time.
    #[error("cannot reach Kafka at {brokers}: {reason}")]
    Unreachable {
        brokers: String,
        /// What the client said last, for instance "Connection refused".
        reason: String,
    },

    /// The brokers do not have the topic.
    #[error("no topic {topic:?} at {brokers}; topics there: {}", list_of(known))]
    UnknownTopic {
        topic: String,
        brokers: String,
        known: Vec<String>,
    },

    /// The topic is another one than that of the positions.
    #[error(
        "topic {topic} at {brokers} was deleted and created again: it was {before}, and is {now}; \
         a position in the old topic means nothing in the new one"
    )]
    TopicRecreated {
        topic: String,
        brokers: String,
        before: String,
        now: String,
    },

    /// A position names a split that the source does not have.
    #[error("no split {split:?}; splits there: {}", list_of(known))]
    UnknownSplit { split: String, known: Vec<String> },

    /// A position lies outside of what the split still holds: to read on from anywhere else would lose records, or read
    /// them twice, in silence.
    #[error(
        "{split}: offset {wanted} is out of range, available is {low} to {high}; to start at the oldest record that \
         is left, use --from {partition}={low}"
    )]
    OffsetOutOfRange {
        split: String,
        partition: i32,
        /// The next offset that was to be read.
        wanted: i64,
        /// The oldest offset that is left.
        low: i64,
        /// The offset that the next record will get.
        high: i64,
    },

    /// A split is not what it was when a position in it was saved: the position means nothing in it.
    #[error("{split} has changed since its position was saved: it was {saved}, and is {found}")]
    OtherInput {
        split: String,
        saved: String,
        found: String,
    },

    /// A file that is read was replaced or cut: what lies behind the position is no continuation of what lies before it.
    #[error(
        "{}: the file was replaced or cut short while it was being read; put the original file back, or start anew",
        path.display()
    )]
    Replaced { path: PathBuf },

    /// A record is longer than the limit that keeps memory bounded.
    #[error(
        "{at} is longer than {}; to accept longer records, raise --max-record",
        bytesize::ByteSize::b(*max as u64).display().iec()
    )]
    RecordTooLong { at: String, max: usize },

    /// A record that the job cannot use, under `--on-bad-record fail`.
    #[error(
        "{at}: {reason}{}: {excerpt}\n  to skip and count such records, use --on-bad-record skip",
        detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default()
    )]
    BadRecord {
        /// Where it is: `topic/partition@offset` or `file:line`.
        at: String,
        reason: crate::order::Reason,
        /// What the JSON parser said, where it said something.
        detail: Option<String>,
        /// What the record holds there, made printable.
        excerpt: String,
    },

    /// A file could not be opened, read or written.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },

    /// The result could not be written to stdout.
    #[error("cannot write the result: {0}")]
    Output(io::Error),

    /// Something else failed, and waiting does not help.
    #[error("{what}: {reason}")]
    Failed {
        /// What was being done, with the topic or address, or what it is about.
        what: String,
        reason: String,
    },

    /// The options ask for something that does not exist.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// For `map_err`: an error with what was being done.
    pub fn failed<R: ToString>(what: impl Into<String>) -> impl FnOnce(R) -> Error {
        let what = what.into();
        move |reason| Error::Failed {
            what,
            reason: reason.to_string(),
        }
    }

    /// For `map_err`: an I/O error with its file.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |error| Error::File { path, error }
    }

    /// Whether the reader of our output has gone (`| head`), which is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// At most ten names, and how many more there are.
pub(crate) fn list_of(names: &[String]) -> String {
    match names {
        [] => "none".to_string(),
        names => first_of(names, 10, ", "),
    }
}

/// The first `shown` of some names or phrases, and how many more there are: a message is to be read.
pub fn first_of<T: Borrow<str>>(names: &[T], shown: usize, separator: &str) -> String {
    match names.len().checked_sub(shown) {
        None | Some(0) => names.join(separator),
        Some(more) => format!("{}{separator}and {more} more", names[..shown].join(separator)),
    }
}

//! Rows into a Kafka topic, each epoch in one transaction, so that a reader sees it whole and once.
//!
//! A Kafka client cannot take up a transaction that was left by a process that died, so nothing is ever
//! prepared in Kafka. The rows of an epoch are durable in the job's own checkpoint before the first of
//! them is sent, and what Kafka remembers is the one thing that a new process must know, the *marker*:
//! which epoch was published last. It is written in the same transaction as the rows, so both can be
//! seen, or neither.
//!
//! ```text
//!   Look ─▶ Fence ─▶ ReadMarker ─▶ Begin ─▶ Send ─▶ AwaitAcks ─▶ Mark ─▶ Commit ─▶ Done
//!    ▲                                       │          │         │        │
//!    │                                       └──────────┴────┬────┴────────┘
//!    │                                                       │ an error
//!    ├─────────────────────────────────────────── Abort ◀────┤ the transaction has failed
//!    └───────────────────────────────────────────────────────┘ the client has failed, or gets nowhere
//! ```
//!
//! 1. **Look, fence, look again.** `init_transactions` ends what an earlier run has left open and shuts that run out, so the
//!    marker that counts is read behind it: read only before, an earlier run could commit in between. But a run that must
//!    not publish here must not shut out the one that may. So the marker is read before, too: a run that it does not fit
//!    ends there, and has done no harm. Of two runs that it fits, the later one goes on.
//! 2. Only a commit that returned without error counts. All other returns of it mean: call again,
//!    abort, or look.
//! 3. An error that is final for the client says nothing about the commit, so the marker is asked
//!    before anything is sent again.
//! 4. A run that hears that another one has shut it out never shuts that one out in turn: it ends.
//! 5. The marker is only ever followed by the epoch that this run believes is next. A marker that says
//!    otherwise was written by another run, and is an error.
//! 6. A request that was not answered may still lie in a broker, and come to be read in the next transaction, which it
//!    would commit too early. So after an abort, and after a request that may have been sent twice, the next transaction
//!    belongs to a new client: brokers refuse what an earlier client of the same name has sent.
//! 7. A client that gets nowhere is given up: after a broker's hang it may never recover (see `day01_consumer::kafka`).
//!
//! A reader must say `isolation.level=read_committed`, or it sees rows of transactions that were
//! aborted. Left out: more than one producer per sink (Flink has one per task, and a pool of
//! transactional ids), headers and timestamps of rows.

mod client;
mod clients;
mod error;
mod marker;
mod opening;
mod plain;
mod verdict;

pub use error::KafkaTargetError;
pub use marker::LostMarker;
pub use plain::PlainKafkaTarget;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use day01_consumer::kafka::{Cluster, ensure_topic};
use day02_state::operator::Outcome;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::Producer;

use super::encoded::Rows;
use super::target::{LastPublished, Published, Target};
use client::SLICE;
use clients::Clients;
use marker::{Markers, Reopened};
use opening::Found;
use verdict::Verdict;

/// How long a start may take, once a broker has answered: it waits for brokers to end what an earlier
/// run has left.
const START_WITHIN: Duration = Duration::from_secs(60);
/// After how long without any progress a client is given up: longer than it takes to give up a request, so that it may
/// recover by itself first.
const STUCK_AFTER: Duration = Duration::from_secs(15);
/// After how long the request to commit may have been sent twice: at once if a connection is lost.
const SENT_ONCE_WITHIN: Duration = Duration::from_secs(1);
/// How long an abort may take after which nothing else comes.
const ABORT_WITHIN: Duration = Duration::from_secs(1);

/// Where to publish, and how.
#[derive(Debug, Clone)]
pub struct KafkaTargetOptions {
    /// Where the brokers are, and how to connect.
    pub cluster: Cluster,
    /// The topic, which is created with one partition if it is not there.
    pub topic: String,
    /// The name of this sink of this job: the same at each start, and nobody else's. The transactional
    /// id and the group that keeps the marker are made from it.
    pub name: String,
    /// How long the brokers keep a transaction open, and how long an epoch may take, outages included.
    /// From a second to what the brokers allow (`transaction.max.timeout.ms`, 15 minutes by default).
    pub transaction_timeout: Duration,
    /// What to do if the marker is gone.
    pub lost_marker: LostMarker,
}

impl KafkaTargetOptions {
    /// A transaction timeout of 15 minutes, and a stop if the marker is gone.
    pub fn new(cluster: impl Into<Cluster>, topic: impl Into<String>, name: impl Into<String>) -> Self {
        KafkaTargetOptions {
            cluster: cluster.into(),
            topic: topic.into(),
            name: name.into(),
            transaction_timeout: Duration::from_secs(15 * 60),
            lost_marker: LostMarker::default(),
        }
    }

    /// The transactional id, and the consumer group that keeps the marker: `NAME-sink`.
    pub fn id(&self) -> String {
        format!("{}-sink", self.name)
    }

    /// That runs before this one have published up to this epoch, and can no more.
    fn taken_over(&self, epoch: u64) -> String {
        format!(
            "publishes to topic {} as {}, behind epoch {epoch}; if another run still does, it ends with its next epoch",
            self.topic,
            self.id()
        )
    }
}

/// Publishes epochs to a topic, exactly once.
pub struct KafkaTarget {
    options: KafkaTargetOptions,
    clients: Option<Clients>,
    /// Reads the marker before anything is shut out.
    look: Option<Markers>,
    step: Step,
    /// The marker that is being written.
    marking: Option<Receiver<KafkaResult<()>>>,
    /// The step, and how many rows were under way, when something moved last.
    moved: (Step, i32, Instant),
    /// The epoch published last, as far as this run knows.
    known: Option<u64>,
    /// Since when the present epoch is being published, or asked for.
    since: Option<Instant>,
    /// Since when its commit has been asked for, so that it may be out.
    commit_asked: Option<Instant>,
    /// Whether a request may have been sent twice, so that one of the two may still be on its way.
    sent_twice: bool,
    /// What went wrong last.
    last_error: Option<String>,
    /// What a person should hear who may have started two runs.
    warning: Option<String>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Ask for the marker, and harm no other run.
    Look,
    /// Shut out earlier runs, and end what they have left.
    Fence,
    /// Ask for the marker again: now it is only ours to move.
    ReadMarker,
    Begin,
    /// Hand the client the rows, from this one on.
    Send(usize),
    /// Wait until the brokers have all rows.
    AwaitAcks,
    /// Move the marker.
    Mark,
    Commit,
    Abort,
    /// The epoch is out.
    Done,
}

impl KafkaTarget {
    /// Reaches a broker, and creates the topic if it is not there. An error after about five seconds.
    /// No other run is shut out yet.
    pub fn open(options: KafkaTargetOptions) -> Result<Self, KafkaTargetError> {
        ensure_topic(&options.cluster, &options.topic, 1)?;
        Ok(KafkaTarget {
            // All of them connect at once, in the background.
            clients: Some(Clients::new(&options)?),
            look: Some(Markers::before_fence(&options)?),
            options,
            step: Step::Look,
            marking: None,
            moved: (Step::Look, 0, Instant::now()),
            known: None,
            since: None,
            commit_asked: None,
            sent_twice: false,
            last_error: None,
            warning: None,
        })
    }

    /// Takes a step of the transaction, and says which is next.
    fn step(&mut self, epoch: u64, rows: &Rows) -> KafkaResult<Step> {
        let Some(clients) = &self.clients else {
            return Ok(Step::Look);
        };
        let producer = &clients.producer;
        match self.step {
            Step::Begin => {
                // An abort reports each row that it has thrown away.
                producer.context().take_failure();
                producer.begin_transaction().map(|()| Step::Send(0))
            }
            Step::Send(from) => {
                let left = client::send(producer, &self.options.topic, rows, from)?;
                Ok(left.map_or(Step::AwaitAcks, Step::Send))
            }
            Step::AwaitAcks => match client::arrive(producer)? {
                true => Ok(Step::Mark),
                false => Ok(Step::AwaitAcks),
            },
            Step::Mark => {
                let marking = self.marking.get_or_insert_with(|| clients.mark(epoch));
                let marked = match marking.recv_timeout(SLICE) {
                    Ok(marked) => marked,
                    Err(RecvTimeoutError::Timeout) => return Ok(Step::Mark),
                    Err(RecvTimeoutError::Disconnected) => Err(KafkaError::Canceled),
                };
                self.marking = None;
                marked.map(|()| Step::Commit)
            }
            Step::Commit => {
                self.commit_asked.get_or_insert_with(Instant::now);
                producer.commit_transaction(SLICE).map(|()| Step::Done)
            }
            Step::Abort => producer.abort_transaction(SLICE).map(|()| Step::Look),
            Step::Look | Step::Fence | Step::ReadMarker | Step::Done => Ok(self.step),
        }
    }

    /// Settles what comes after an error, or that nothing does.
    fn on_error(&mut self, epoch: u64, error: KafkaError) -> Result<(), KafkaTargetError> {
        let producer = self.clients.as_ref().map(|clients| &clients.producer);
        let ended = producer.and_then(|producer| producer.client().fatal_error());
        self.last_error = Some(match &ended {
            Some((_, why)) => why.clone(),
            None => error.to_string(),
        });
        let verdict = verdict::judge(&error, ended.map(|(code, _)| code));
        match (verdict, producer) {
            // An abort waits until somebody has taken the reports of the rows that it throws away.
            (Verdict::Again, Some(producer)) => {
                client::wait(producer);
                self.sent_twice |= self.step == Step::Mark;
            }
            (Verdict::Abort, Some(producer)) => {
                producer.poll(SLICE);
                self.step = Step::Abort;
            }
            (Verdict::Again | Verdict::Abort | Verdict::Reopen, _) => {
                self.renew();
                thread::sleep(SLICE);
            }
            (Verdict::Fenced, _) => return Err(KafkaTargetError::fenced(&self.options, epoch)),
            (Verdict::Refused, producer) => {
                // So that readers of the topic need not wait until the transaction times out.
                if let Some(producer) = producer {
                    producer.abort_transaction(ABORT_WITHIN).ok();
                }
                let KafkaTargetOptions { cluster, topic, .. } = &self.options;
                return Err(KafkaTargetError::refused(cluster, topic, epoch, error));
            }
        }
        Ok(())
    }

    // ANCHOR: renew
    /// Begins again with new clients. A thread that still waits for its marker to be written keeps the old ones.
    fn renew(&mut self) {
        self.clients = None;
        self.look = None;
        self.marking = None;
        self.sent_twice = false;
        self.step = Step::Look;
    }

    fn renew_if_stuck(&mut self) {
        let clients = self.clients.as_ref();
        let under_way = clients.map_or(0, |clients| clients.producer.in_flight_count());
        let (step, rows, since) = self.moved;
        if (step, rows) != (self.step, under_way) {
            self.moved = (self.step, under_way, Instant::now());
        } else if since.elapsed() > STUCK_AFTER {
            self.last_error = Some(format!("no progress for {} s", STUCK_AFTER.as_secs()));
            self.moved = (Step::Look, 0, Instant::now());
            self.renew();
        }
    }
    // ANCHOR_END: renew

    /// Why no broker could be reached, if that is so.
    fn take_reason(&self) -> Option<String> {
        self.clients.as_ref()?.producer.context().take_reason()
    }

    fn out_of_step(&self, epoch: u64, found: Option<u64>) -> KafkaTargetError {
        KafkaTargetError::OutOfStep {
            epoch,
            topic: self.options.topic.clone(),
            group: self.options.id(),
            known: self.known,
            found,
        }
    }

    /// An error once `patience` has passed since this was begun.
    fn check_time(&mut self, epoch: u64, patience: Duration) -> Result<(), KafkaTargetError> {
        if self.since.get_or_insert_with(Instant::now).elapsed() <= patience {
            return Ok(());
        }
        let unreachable = self.take_reason();
        let reasons: Vec<String> = self.last_error.clone().into_iter().chain(unreachable).collect();
        Err(KafkaTargetError::TooLong {
            epoch,
            topic: self.options.topic.clone(),
            brokers: self.options.cluster.to_string(),
            patience,
            reason: match reasons.is_empty() {
                true => "the brokers are slow".to_string(),
                false => reasons.join("; "),
            },
        })
    }
}

impl Target for KafkaTarget {
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        let epoch = epochs.last().copied().unwrap_or_default();
        self.check_time(epoch, START_WITHIN)?;
        self.renew_if_stuck();
        let found = self.open_step(epoch)?;
        let (Found::Before(marker) | Found::Behind(marker)) = found else {
            return Ok(LastPublished::Pending);
        };
        let known = marker::known(marker, epochs, &self.options);
        if matches!(known, LastPublished::Unknown(_)) || matches!(found, Found::Behind(_)) {
            // Kafka does not say whether the one that was shut out is still at work.
            let took_over = marker.filter(|_| matches!(known, LastPublished::UpTo(_)));
            self.warning = took_over.map(|epoch| self.options.taken_over(epoch));
            (self.step, self.known, self.since) = (Step::Begin, marker, None);
            return Ok(known);
        }
        self.step = Step::Fence;
        Ok(LastPublished::Pending)
    }

    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        self.check_time(epoch, self.options.transaction_timeout)?;
        if matches!(self.step, Step::Look | Step::Fence | Step::ReadMarker) {
            let found = self.open_step(epoch)?;
            if let Found::Before(marker) | Found::Behind(marker) = found {
                let reopened = marker::reopened(marker, self.known, epoch, self.commit_asked.is_some());
                self.step = match (reopened, found) {
                    (Reopened::OutOfStep, _) => return Err(self.out_of_step(epoch, marker).into()),
                    (Reopened::Out, _) => Step::Done,
                    (Reopened::NotOut, Found::Behind(_)) => Step::Begin,
                    (Reopened::NotOut, _) => Step::Fence,
                };
            }
        } else if self.step == Step::Begin && self.known >= Some(epoch) {
            return Err(self.out_of_step(epoch, self.known).into());
        } else {
            match self.step(epoch, rows) {
                Ok(Step::Look) => self.renew(),
                Ok(next) => self.step = next,
                Err(error) => self.on_error(epoch, error)?,
            }
        }
        if self.step != Step::Done {
            self.renew_if_stuck();
            return Ok(Published::Again);
        }
        self.step = Step::Begin;
        self.known = Some(epoch);
        self.since = None;
        // What went wrong and was got over must not be told as the reason of something later.
        self.last_error = None;
        self.sent_twice |= self.take_reason().is_some();
        let asked = self.commit_asked.take();
        self.sent_twice |= asked.is_some_and(|asked| asked.elapsed() > SENT_ONCE_WITHIN);
        if self.sent_twice {
            self.renew();
        }
        Ok(Published::Done)
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn describe(&self) -> String {
        let KafkaTargetOptions { cluster, topic, .. } = &self.options;
        format!("Kafka topic {topic} at {cluster}, exactly once")
    }
}

//! Rows into a table of PostgreSQL, each epoch in one transaction: the simplest sink that publishes each row once.
//!
//! The mark that says which epoch is out stands in the database itself, in a table beside the rows. Both are written in
//! the same transaction, so there are both or neither, and there is nothing else to agree with.
//!
//! ```text
//!   sink_epochs             sink                    epoch   run
//!                           orders-to-windows       7       3
//!
//!   begin ─▶ epoch 7 becomes 8, if it is 7 and run is ours ─▶ rows, replacing those of the same key ─▶ commit
//! ```
//!
//! 1. A run begins by raising `run`, in the transaction in which it reads the mark: it looks and fences at once. A run that
//!    the mark does not fit leaves both as they are. An older run finds that `run` is not its own any more, and ends. Both
//!    say so: each connection holds a lock together with others, by which the newer run sees that there is an older one.
//! 2. The mark is moved first, not last: the lock on its row holds back whoever publishes at the same time, and what a
//!    connection that was lost may still be committing.
//! 3. When a connection is lost, nothing is known of its transaction. The mark says whether it has come through.
//! 4. A row replaces the one of the same key. So a window that fires again, because late rows have come, is one row.
//!
//! The rows are sent as JSON, and PostgreSQL makes columns of them. Left out: `COPY`, which is faster and cannot replace
//! rows; and two-phase commit (`PREPARE TRANSACTION`), which is not needed, because the rows are safe in the
//! checkpoint until the transaction has come through.

mod error;
mod options;
mod session;
mod tls;

use std::thread;
use std::time::{Duration, Instant};

use day02_state::operator::Outcome;

use super::encoded::Rows;
use super::target::{LastPublished, Mark, Published, Target};

pub use error::PostgresError;
pub use options::{Column, PostgresOptions};
use session::{Claimed, Session};

/// How long a start may wait for another transaction.
const START_WITHIN: Duration = Duration::from_secs(60);
/// How long an epoch may take, outages included.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long to wait before the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// Publishes epochs to a table, exactly once.
pub struct PostgresTarget {
    options: PostgresOptions,
    session: Option<Session>,
    step: Step,
    /// The number of this run; 0 before it has one.
    run: i64,
    /// The epoch published last, as far as this run knows.
    known: u64,
    /// Since when the present epoch is being published, or asked for.
    since: Option<Instant>,
    /// That another run was shut out, until it was said.
    warning: Option<String>,
}

/// What comes next in publishing an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Ask for the mark: the connection is new.
    Look,
    /// Begin, and move the mark.
    Mark,
    /// Send rows, from this one on.
    Send(usize),
    Commit,
}

impl PostgresTarget {
    /// Connects, creates the tables that are missing, and checks the one that takes the rows. No other run is shut out
    /// yet.
    pub fn open(options: PostgresOptions) -> Result<Self, PostgresError> {
        let mut session = Session::connect(&options)?;
        session.prepare_tables(&options)?;
        Ok(PostgresTarget {
            options,
            session: Some(session),
            step: Step::Look,
            run: 0,
            known: 0,
            since: None,
            warning: None,
        })
    }

    /// Makes an attempt; none if it has failed in a way that another one may not.
    fn attempt<T>(
        &mut self,
        patience: Duration,
        attempt: impl FnOnce(&mut Session, &PostgresOptions) -> Result<T, PostgresError>,
    ) -> Result<Option<T>, PostgresError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let session = match self.session.take() {
            Some(session) => Ok(session),
            None => Session::connect(&self.options),
        };
        let done = session.and_then(|mut session| {
            let done = attempt(&mut session, &self.options)?;
            self.session = Some(session);
            Ok(done)
        });
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.may_pass() && since.elapsed() < patience => {
                self.step = Step::Look;
                thread::sleep(PAUSE);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    // ANCHOR: publish
    /// Takes a step of publishing, and says which is next; none if the epoch is out.
    fn step(&mut self, epoch: u64, rows: &Rows) -> Result<Option<Step>, PostgresError> {
        let (step, run, known) = (self.step, self.run, self.known);
        let next = self.attempt(PUBLISHED_WITHIN, |session, options| {
            Ok(match step {
                Step::Look => match session.mark(options)? {
                    Some((mark, owner)) if owner == run && mark == epoch => None,
                    Some((mark, owner)) if owner == run && mark == known => Some(Step::Mark),
                    found => return Err(PostgresError::out_of_step(options, epoch, known, found)),
                },
                Step::Mark => match session.begin(options, run, known, epoch)? {
                    true => Some(Step::Send(0)),
                    false => Some(Step::Look),
                },
                Step::Send(from) => Some(
                    session
                        .send(options, epoch, rows, from)?
                        .map_or(Step::Commit, Step::Send),
                ),
                Step::Commit => {
                    session.commit(options, epoch)?;
                    None
                }
            })
        })?;
        Ok(next.unwrap_or(Some(self.step)))
    }
    // ANCHOR_END: publish
}

impl Target for PostgresTarget {
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        let fits = |mark| matches!(Mark::of(mark, epochs), Mark::UpTo(_));
        let claimed = self.attempt(START_WITHIN, |session, options| session.claim(options, fits))?;
        let Some(Claimed { mark, run, others }) = claimed else {
            return Ok(LastPublished::Pending);
        };
        let last = epochs.last().copied().unwrap_or_default();
        (self.run, self.since) = (run, None);
        Ok(match Mark::of(mark, epochs) {
            Mark::UpTo(epoch) => {
                self.warning = others.then(|| self.options.taken_over(run));
                (self.known, self.step) = (epoch, Step::Mark);
                LastPublished::UpTo(epoch)
            }
            Mark::Ahead(mark) => LastPublished::Unknown(self.options.ahead(mark, last)),
            Mark::Lost => LastPublished::Unknown(self.options.lost(mark, epochs.first().copied())),
        })
    }

    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        if let Some(next) = self.step(epoch, rows)? {
            self.step = next;
            return Ok(Published::Again);
        }
        self.step = Step::Mark;
        self.known = epoch;
        self.since = None;
        Ok(Published::Done)
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn describe(&self) -> String {
        format!("PostgreSQL {}, exactly once", self.options.place())
    }
}

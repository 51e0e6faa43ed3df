//! What is known of the brokers and of the topic while it is read: whether a broker answers, when to ask again, and when a
//! doubt has become an error. It is a pure state machine: times come in, decisions come out.
//!
//! ```text
//!             all connections are down        no answer
//!   There ─────────────────────────▶ Down ───────────────▶ Away     a warning
//!     ▲ │                                                  ▲  │
//!     │ └──────────────── no answer for 5 s ───────────────┘  │
//!     └─────────────────────── an answer ─────────────────────┘     a second warning, if it was Away
//! ```

use std::time::{Duration, Instant};

/// How often the broker is asked about the topic while it is read.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a question may stay unanswered until a person should hear of it.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// After how long without an answer the client is given up: rule 5 of the module.
const RENEW_AFTER: Duration = Duration::from_secs(10);
/// How long a doubt about the topic must last to be true: a broker that has just started, or is behind the others, does
/// not know every topic as it is.
const SURE_AFTER: Duration = Duration::from_secs(4);

/// Whether any broker can be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// One answers, as far as is known.
    There,
    /// The client has said that all connections are down. That may be over by now, so a broker is asked.
    Down,
    /// None has answered, and a warning has said so.
    Away,
}

/// What is known so far.
pub(super) struct Watch {
    connection: Connection,
    /// When the last question was put, whether or not it has been answered.
    asked: Instant,
    /// Whether it waits for its answer.
    waits: bool,
    /// When the first question was put that this client has not had an answer to.
    silent_since: Option<Instant>,
    doubted_since: Option<Instant>,
}

impl Watch {
    /// A broker has just answered.
    pub(super) fn new(now: Instant) -> Self {
        Watch {
            connection: Connection::There,
            asked: now,
            waits: false,
            silent_since: None,
            doubted_since: None,
        }
    }

    /// Whether no question waits for its answer: there is one at a time.
    pub(super) fn is_free(&self) -> bool {
        !self.waits
    }

    /// Whether it is time to look at the topic: every other second, or when all brokers seem to be away.
    pub(super) fn look_is_due(&self, now: Instant) -> bool {
        self.connection == Connection::Down || now.duration_since(self.asked) >= LOOK_EVERY
    }

    /// Whether the client has gone without an answer for so long that it may never get one.
    pub(super) fn client_is_lost(&self, now: Instant) -> bool {
        self.silent_since
            .is_some_and(|since| now.duration_since(since) >= RENEW_AFTER)
    }

    /// A question has been put.
    pub(super) fn on_question(&mut self, now: Instant) {
        self.asked = now;
        self.waits = true;
    }

    /// The client says that all its connections are down.
    pub(super) fn on_all_down(&mut self) {
        if self.connection == Connection::There {
            self.connection = Connection::Down;
        }
    }

    /// A broker has answered; says whether a person should hear that it is back.
    pub(super) fn on_answer(&mut self) -> bool {
        self.waits = false;
        self.silent_since = None;
        std::mem::replace(&mut self.connection, Connection::There) == Connection::Away
    }

    /// No broker has answered in time; says whether a person should hear that it is away.
    pub(super) fn on_silence(&mut self, now: Instant) -> bool {
        self.waits = false;
        // A doubt has to last through answers.
        self.doubted_since = None;
        let since = *self.silent_since.get_or_insert(self.asked);
        let is_away = match self.connection {
            Connection::There => now.duration_since(since) >= AWAY_AFTER,
            Connection::Down => true,
            Connection::Away => false,
        };
        if is_away {
            self.connection = Connection::Away;
        }
        is_away
    }

    /// There is a new client, which has not been asked anything yet.
    pub(super) fn on_new_client(&mut self) {
        self.waits = false;
        self.silent_since = None;
    }

    /// An answer makes it doubtful that the topic is still the one that is read; says whether that is sure by now.
    pub(super) fn on_doubt(&mut self, now: Instant) -> bool {
        let since = *self.doubted_since.get_or_insert(now);
        now.duration_since(since) >= SURE_AFTER
    }

    /// The topic is as it was.
    pub(super) fn on_certainty(&mut self) {
        self.doubted_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_topic_is_looked_at_every_other_second_and_at_once_when_all_seem_to_be_away() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert!(!watch.look_is_due(start + SECOND));
        assert!(watch.look_is_due(start + 2 * SECOND));
        watch.on_all_down();
        assert!(watch.look_is_due(start + SECOND));
        watch.on_question(start + SECOND);
        assert!(!watch.is_free(), "one question at a time");
        assert!(watch.on_silence(start + SECOND), "a first warning");
        assert!(!watch.look_is_due(start + 2 * SECOND), "once is enough");
        assert!(watch.is_free() && watch.look_is_due(start + 3 * SECOND));
        watch.on_question(start + 3 * SECOND);
        assert!(!watch.on_silence(start + 4 * SECOND), "has been said");
        watch.on_question(start + 5 * SECOND);
        assert!(watch.on_answer(), "it is back");
        assert!(!watch.on_answer(), "has been said");
    }

    #[test]
    fn a_broker_that_hangs_is_away_after_five_seconds_and_its_client_lost_after_ten() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        let mut said = Vec::new();
        for second in (2..).step_by(2).take(5) {
            watch.on_question(start + second * SECOND);
            let now = start + (second + 1) * SECOND;
            said.push((second + 1, watch.on_silence(now), watch.client_is_lost(now)));
        }
        let expected = [
            (3, false, false),
            (5, false, false),
            (7, true, false),
            (9, false, false),
            (11, false, false),
        ];
        assert_eq!(said, expected);
        assert!(watch.client_is_lost(start + 12 * SECOND));
        watch.on_new_client();
        assert!(!watch.client_is_lost(start + 60 * SECOND));
        assert!(watch.on_answer(), "it was away, whichever client heard so");
    }

    #[test]
    fn a_doubt_is_sure_once_it_has_lasted() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert!(!watch.on_doubt(start));
        assert!(!watch.on_doubt(start + 3 * SECOND));
        watch.on_certainty();
        assert!(!watch.on_doubt(start + 4 * SECOND), "it begins anew");
        assert!(watch.on_doubt(start + 8 * SECOND));
    }
}

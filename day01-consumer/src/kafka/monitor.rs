//! The thread that puts questions to the brokers while a source reads, so that the source never waits for an answer.
//!
//! A request to a broker that hangs blocks the caller. The source belongs to a task, which must hand on barriers and
//! hear of an end whatever the broker does. So the source hands its question to this thread, one at a time, and looks
//! now and then whether the answer is there.
//!
//! ```text
//!   source ── Question ──▶ monitor ── request ──▶ broker
//!          ◀── Answer ────         ◀── response ──
//! ```
//!
//! The thread is also where clients end, because ending one may wait for the brokers: it holds each client until the source
//! has let go of it, which the next question or the end of the source shows. A source that is dropped
//! waits a moment for the thread, for the sake of order, and then leaves it to itself: it ends with its last question.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::questions::is_unknown_topic;
use super::topic_id::topic_id;
use super::watch::LOOK_EVERY;
use crate::Error;
use crate::source::{Identity, Split};

/// How long the end of a source waits for its thread.
const MOMENT: Duration = Duration::from_millis(200);

// ANCHOR: question
/// What a source wants to know, or wants to have.
pub(super) enum Question {
    /// Which partitions does the topic have?
    Topic,
    /// From where to where do these new partitions go?
    NewSplits(Vec<i32>),
    /// Does one of these want what its partition does not hold?
    Ranges(Vec<Split>),
    /// Another client: this one has gone without an answer for too long.
    Client,
}
// ANCHOR_END: question

/// What comes back.
pub(super) enum Answer {
    /// The partitions of the topic, and which topic of this name it is, if a broker says.
    Topic(Vec<i32>, Option<Identity>),
    /// The brokers do not have the topic. The error says which they have.
    UnknownTopic(Error),
    /// New partitions, to be read from their beginnings.
    NewSplits(Vec<Split>),
    /// Whether all positions are within what their partitions hold, and which topic of this name that is.
    Ranges(Result<(), Error>, Option<Identity>),
    /// A new client.
    Client(Arc<Client>),
    /// None in time.
    Silence,
    /// The client cannot be made.
    Failed(Error),
}

/// The thread, as its source sees it.
pub(super) struct Monitor {
    /// Gone once the thread is to end.
    questions: Option<Sender<Question>>,
    answers: Receiver<Answer>,
    /// Hears of the end of the thread.
    ended: Receiver<()>,
}

impl Monitor {
    /// Starts the thread, which asks through this client.
    pub(super) fn start(client: Arc<Client>) -> Result<Self, Error> {
        let (questions, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let run = move || {
            let _end: Sender<()> = end;
            respond(client, &asked, &answer);
        };
        thread::Builder::new()
            .name("kafka-monitor".to_string())
            .spawn(run)
            .map_err(Error::failed("starting the thread that sends requests to Kafka"))?;
        Ok(Monitor {
            questions: Some(questions),
            answers,
            ended,
        })
    }

    /// Puts a question.
    pub(super) fn ask(&self, question: Question) {
        if let Some(questions) = &self.questions {
            // A thread that has ended shows when its answer is looked for.
            questions.send(question).ok();
        }
    }

    /// The answer, if it is there.
    pub(super) fn answer(&self) -> Result<Option<Answer>, Error> {
        match self.answers.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Error::failed("asking Kafka")(
                "the thread that sends requests to Kafka has ended",
            )),
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.questions = None;
        self.ended.recv_timeout(MOMENT).ok();
    }
}

/// The thread: answers until the source has gone.
fn respond(mut client: Arc<Client>, asked: &Receiver<Question>, answer: &Sender<Answer>) {
    // The client before this one. It goes with the next question, when the source no longer holds it.
    let mut retired = None;
    while let Ok(question) = asked.recv() {
        drop(retired.take());
        let found = match question {
            Question::Topic => topic(&client),
            Question::NewSplits(partitions) => partitions
                .into_iter()
                .map(|partition| client.split(partition))
                .collect::<Result<_, _>>()
                .map_or(Answer::Silence, Answer::NewSplits),
            Question::Ranges(splits) => ranges(&client, &splits),
            Question::Client => match Client::new(&client.options).map(Arc::new) {
                Ok(new) => {
                    retired = Some(std::mem::replace(&mut client, Arc::clone(&new)));
                    Answer::Client(new)
                }
                Err(error) => Answer::Failed(error),
            },
        };
        answer.send(found).ok();
    }
}

fn topic(client: &Client) -> Answer {
    match client.topic_now(LOOK_EVERY) {
        Ok(topic) => Answer::Topic(topic.partitions, topic_id(client, topic.broker, LOOK_EVERY)),
        Err(error) if is_unknown_topic(&error) => Answer::UnknownTopic(client.unknown_topic()),
        Err(_) => Answer::Silence,
    }
}

fn ranges(client: &Client, splits: &[Split]) -> Answer {
    match splits.iter().try_for_each(|split| client.check_range(split)) {
        checked @ (Ok(()) | Err(Error::OffsetOutOfRange { .. })) => {
            let broker = client.topic_now(LOOK_EVERY).ok().and_then(|topic| topic.broker);
            Answer::Ranges(checked, topic_id(client, broker, LOOK_EVERY))
        }
        Err(_) => Answer::Silence,
    }
}

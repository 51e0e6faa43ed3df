//! The marker: which epoch was published last, kept by Kafka and moved by the same transaction that
//! brings the rows.
//!
//! Of what Kafka can write in a transaction, an offset of a consumer group is the one that can be asked
//! for by its name in a single request. So the marker is the offset of a group that no consumer uses,
//! for partition 0 of the topic:
//!
//! ```text
//!   group NAME-sink, TOPIC/0:   offset 8   metadata "epoch=8"
//! ```
//!
//! The metadata is what counts. The offset is for people, because Kafka's own tools show offsets but
//! not metadata.
//!
//! Kafka forgets offsets of a group that is not in use (`offsets.retention.minutes`, 7 days by
//! default). While a job runs, each checkpoint renews the marker; a job that rests for longer finds
//! none, and cannot tell that from a marker that never was. What to do then is for a person to say,
//! with [`LostMarker`]. Left out: a compacted topic for markers, which would keep them for ever and be
//! one more topic for each sink.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Events};
use super::{KafkaTargetError, KafkaTargetOptions};
use crate::sink::target::{LastPublished, Mark};

/// How long a question for the marker may take, after which it is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How long the brokers may take to write the marker, after which the epoch is tried again.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// The partition whose offset is the marker.
const PARTITION: i32 = 0;
const PREFIX: &str = "epoch=";

/// What to do when Kafka does not say whether the last epoch was published.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LostMarker {
    /// End with an error.
    #[default]
    Stop,
    /// Take it for published: its rows are missing if it was not.
    Published,
    /// Publish it: its rows are there twice if it was.
    Publish,
}

/// Reads and writes the marker of one sink.
pub(super) struct Markers {
    consumer: BaseConsumer<Events>,
    /// The group, as someone who is no member of it.
    group: ConsumerGroupMetadata,
    topic: String,
}

/// Why there is no answer.
pub(super) enum Unread {
    /// Kafka has none.
    Failed(KafkaError),
    /// What stands there is not ours.
    Foreign(String),
}

impl Markers {
    /// For a run that no other can come in between any more. Connects to no broker yet.
    pub(super) fn new(options: &KafkaTargetOptions) -> Result<Self, KafkaTargetError> {
        // A reader of committed offsets only waits for a transaction that is just being decided.
        Self::reading(options, "read_committed")
    }

    /// For a run that has not shut out any other: it is not to wait for their transactions, one of which may have been left
    /// open by a process that died. It sees the marker as it was before them.
    pub(super) fn before_fence(options: &KafkaTargetOptions) -> Result<Self, KafkaTargetError> {
        Self::reading(options, "read_uncommitted")
    }

    fn reading(options: &KafkaTargetOptions, isolation: &str) -> Result<Self, KafkaTargetError> {
        let refused = KafkaTargetError::settings;
        let mut config = client::common();
        config
            .set("group.id", options.id())
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false");
        options.cluster.configure(&mut config);
        let consumer: BaseConsumer<Events> = config
            .create_with_context(Events::default())
            .map_err(refused(&options.cluster, &options.topic))?;
        let group = consumer.group_metadata().ok_or(KafkaError::Canceled);
        let group = group.map_err(refused(&options.cluster, &options.topic))?;
        Ok(Markers {
            consumer,
            group,
            topic: options.topic.clone(),
        })
    }

    /// The epoch published last, or none if Kafka knows of none.
    pub(super) fn read(&self) -> Result<Option<u64>, Unread> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.topic, PARTITION);
        let answer = self.consumer.committed_offsets(asked, ANSWER_WITHIN);
        self.consumer.poll(Duration::ZERO);
        let answer = answer.map_err(Unread::Failed)?;
        let unanswered = || Unread::Failed(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset));
        let answer = answer
            .find_partition(&self.topic, PARTITION)
            .ok_or_else(unanswered)?;
        // An answer that failed has no offset either, and must not pass for "no marker".
        answer.error().map_err(Unread::Failed)?;
        match (answer.offset(), parse(answer.metadata())) {
            (Offset::Invalid, _) => Ok(None),
            (_, Some(epoch)) => Ok(Some(epoch)),
            (_, None) => Err(Unread::Foreign(answer.metadata().to_string())),
        }
    }

    // ANCHOR: write
    /// Moves the marker, as a part of the transaction that is open.
    pub(super) fn write(&self, producer: &BaseProducer<Events>, epoch: u64) -> KafkaResult<()> {
        let mut marker = TopicPartitionList::new();
        let mut partition = marker.add_partition(&self.topic, PARTITION);
        partition.set_offset(Offset::Offset(i64::try_from(epoch).unwrap_or(i64::MAX)))?;
        partition.set_metadata(format!("{PREFIX}{epoch}"));
        producer.send_offsets_to_transaction(&marker, &self.group, WRITTEN_WITHIN)
    }
    // ANCHOR_END: write
}

fn parse(metadata: &str) -> Option<u64> {
    metadata.strip_prefix(PREFIX)?.parse().ok()
}

/// What a marker says, for a message.
pub(super) fn in_words(marker: Option<u64>) -> String {
    match marker {
        Some(epoch) => format!("epoch {epoch}"),
        None => "none".to_string(),
    }
}

// ANCHOR: known
/// Which of these epochs is the last that is out, at the start of a run.
pub(super) fn known(marker: Option<u64>, epochs: &[u64], options: &KafkaTargetOptions) -> LastPublished {
    let (first, last) = (epochs.first().copied(), epochs.last().copied());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    match (Mark::of(marker, epochs), options.lost_marker) {
        (Mark::UpTo(epoch), _) => LastPublished::UpTo(epoch),
        (Mark::Ahead(marker), _) => LastPublished::Unknown(ahead(marker, last, options)),
        // Forgotten, or from other checkpoints: a person must say.
        (Mark::Lost, LostMarker::Stop) => LastPublished::Unknown(no_telling(marker, last, first, options)),
        (Mark::Lost, LostMarker::Published) => LastPublished::UpTo(last),
        (Mark::Lost, LostMarker::Publish) => LastPublished::UpTo(first),
    }
}
// ANCHOR_END: known

fn ahead(marker: u64, last: u64, options: &KafkaTargetOptions) -> String {
    let from = match last {
        0 => "begins anew".to_string(),
        last => format!("goes on from checkpoint {last}"),
    };
    format!(
        "consumer group {group} says that topic {topic} has everything up to epoch {marker}, and this run {from}: it would \
         publish again what is there. Give it the checkpoints that belong to this topic, or another topic, or delete the \
         group if the topic was emptied",
        topic = options.topic,
        group = options.id(),
    )
}

fn no_telling(marker: Option<u64>, epoch: u64, previous: u64, options: &KafkaTargetOptions) -> String {
    let expected = match previous {
        0 => "none".to_string(),
        previous => format!("epoch {previous} or later"),
    };
    let found = match marker {
        Some(marker) => format!("epoch {marker}"),
        None => "no marker (Kafka forgets it after offsets.retention.minutes, 7 days by default)".to_string(),
    };
    format!(
        "cannot tell whether epoch {epoch} is in topic {topic}: consumer group {group} should say {expected}, and says \
         {found}; look into the topic, then say --lost-marker published if its rows are there, or --lost-marker publish \
         if they are not",
        topic = options.topic,
        group = options.id(),
    )
}

/// What the marker means to a run that had to begin anew with its client while it published an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reopened {
    /// The commit had come through after all.
    Out,
    /// Nothing of the epoch can be seen: go on.
    NotOut,
    /// Another run has moved the marker.
    OutOfStep,
}

/// The same for a run that knows where it left the marker, and whether it has asked for the commit of
/// `epoch`.
pub(super) fn reopened(marker: Option<u64>, known: Option<u64>, epoch: u64, commit_asked: bool) -> Reopened {
    match marker {
        // As far as, or further than what is to come: from another run, unless it was this one's own
        // commit.
        Some(marker) if marker == epoch && commit_asked => Reopened::Out,
        Some(marker) if marker >= epoch => Reopened::OutOfStep,
        // Where this run has left it.
        marker if marker == known => Reopened::NotOut,
        _ => Reopened::OutOfStep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(lost_marker: LostMarker) -> KafkaTargetOptions {
        KafkaTargetOptions {
            lost_marker,
            ..KafkaTargetOptions::new("localhost:9092", "out", "demo")
        }
    }

    #[test]
    fn the_marker_says_which_epochs_are_out() {
        use LostMarker::{Publish, Published, Stop};
        /// What is wrong if it cannot be said.
        #[derive(Clone, Copy, PartialEq, Debug)]
        enum Wrong {
            Lost,
            Ahead,
        }
        use Wrong::{Ahead, Lost};
        #[rustfmt::skip]
        type Case = (Option<u64>, &'static [u64], Result<u64, Wrong>);
        let cases: [Case; 15] = [
            (None, &[0], Ok(0)),
            (None, &[0, 1], Ok(0)),
            (Some(0), &[0, 1], Ok(0)),
            (Some(1), &[0, 1], Ok(1)),
            (Some(7), &[7, 8], Ok(7)),
            (Some(8), &[7, 8], Ok(8)),
            (Some(7), &[7], Ok(7)),
            (Some(8), &[7, 8, 9], Ok(8)),
            // Epochs whose checkpoint failed are never published.
            (Some(3), &[3, 8], Ok(3)),
            (None, &[7, 8], Err(Lost)),
            (Some(6), &[7, 8], Err(Lost)),
            (Some(7), &[6, 8], Err(Lost)),
            (Some(9), &[7, 8], Err(Ahead)),
            (Some(7), &[0], Err(Ahead)),
            (Some(8), &[7], Err(Ahead)),
        ];
        for (marker, epochs, expected) in cases {
            for lost_marker in [Stop, Published, Publish] {
                let known = known(marker, epochs, &options(lost_marker));
                let case = format!("{marker:?} {epochs:?} {lost_marker:?}");
                match (expected, lost_marker) {
                    (Ok(expected), _) => assert_eq!(known, LastPublished::UpTo(expected), "{case}"),
                    (Err(Ahead), _) | (Err(Lost), Stop) => {
                        assert!(matches!(known, LastPublished::Unknown(_)), "{case}: {known:?}");
                    }
                    (Err(Lost), Published) => assert_eq!(known, LastPublished::UpTo(8), "{case}"),
                    (Err(Lost), Publish) => assert_eq!(known, LastPublished::UpTo(epochs[0]), "{case}"),
                }
            }
        }
    }

    #[test]
    fn a_lost_marker_is_explained_with_what_to_do() {
        let said = |marker| known(marker, &[7, 8], &options(LostMarker::Stop));
        assert_eq!(
            said(None),
            LastPublished::Unknown(
                "cannot tell whether epoch 8 is in topic out: consumer group demo-sink should say epoch 7 or later, and \
                 says no marker (Kafka forgets it after offsets.retention.minutes, 7 days by default); look into the \
                 topic, then say --lost-marker published if its rows are there, or --lost-marker publish if they are not"
                    .to_string()
            )
        );
        let LastPublished::Unknown(text) = said(Some(5)) else {
            panic!("an older marker is not enough");
        };
        assert!(
            text.contains("should say epoch 7 or later, and says epoch 5; look"),
            "{text}"
        );
        let LastPublished::Unknown(text) = known(Some(9), &[0], &options(LostMarker::Publish)) else {
            panic!("another job has come further");
        };
        assert!(
            text.contains("everything up to epoch 9, and this run begins anew"),
            "{text}"
        );
    }

    #[test]
    fn a_marker_that_this_run_has_not_moved_was_moved_by_another() {
        use Reopened::{NotOut, Out, OutOfStep};
        // marker, known, epoch, commit asked
        let cases = [
            (None, None, 1, false, NotOut),
            (Some(7), Some(7), 8, false, NotOut),
            (Some(7), Some(7), 8, true, NotOut),
            (Some(8), Some(7), 8, true, Out),
            (Some(1), None, 1, true, Out),
            (Some(8), Some(7), 8, false, OutOfStep),
            (Some(9), Some(7), 8, true, OutOfStep),
            (Some(1), None, 1, false, OutOfStep),
            // From newer checkpoints than this run was started from.
            (Some(9), Some(9), 8, false, OutOfStep),
            (Some(8), Some(8), 8, false, OutOfStep),
            (None, Some(7), 8, false, OutOfStep),
            (Some(6), Some(7), 8, true, OutOfStep),
            (Some(7), Some(6), 8, true, OutOfStep),
            (Some(7), None, 8, false, OutOfStep),
        ];
        for (marker, known, epoch, asked, expected) in cases {
            let case = format!("{marker:?} {known:?} {epoch} {asked}");
            assert_eq!(reopened(marker, known, epoch, asked), expected, "{case}");
        }
    }

    #[test]
    fn only_what_a_sink_has_written_is_a_marker() {
        for (metadata, expected) in [
            ("epoch=0", Some(0)),
            ("epoch=18446744073709551615", Some(u64::MAX)),
            ("epoch=18446744073709551616", None),
            ("epoch=", None),
            ("epoch=-1", None),
            ("epoch=8 ", None),
            ("8", None),
            ("", None),
        ] {
            assert_eq!(parse(metadata), expected, "{metadata:?}");
        }
    }

    #[test]
    fn options_have_the_names_that_the_messages_say() {
        use clap::ValueEnum;
        let names = LostMarker::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value);
        let names: Vec<String> = names.map(|name| name.get_name().to_string()).collect();
        assert_eq!(names, ["stop", "published", "publish"]);
        assert_eq!(LostMarker::default(), LostMarker::Stop);
    }
}

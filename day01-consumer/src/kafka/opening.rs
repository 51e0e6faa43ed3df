//! What a source begins with: the partitions of the topic, where to start in each, and where to end.

use std::collections::BTreeMap;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use super::client::Events;
use super::options::KafkaOptions;
use super::questions::{self, ANSWER_WITHIN, Topic, ask, check_range, unanswered};
use super::topic_id::topic_id;
use crate::Error;
use crate::source::{Identity, Split, Start, Warning};

/// What is known of a topic before the first record is read.
pub(super) struct Opening {
    pub(super) splits: Vec<Split>,
    /// Which topic of this name it is, if the brokers say.
    pub(super) identity: Option<Identity>,
    /// What a bounded run will not see.
    pub(super) warnings: Vec<Warning>,
}

/// Reaches the broker, finds the topic and its partitions, and settles where to start and where to end.
pub(super) fn open(consumer: &BaseConsumer<Events>, options: &KafkaOptions) -> Result<Opening, Error> {
    let Topic { partitions, broker } = questions::topic(consumer, options)?;
    // Asked first: what was written by then and can still not be read when the ends are asked for is hidden.
    let high = match options.until_end {
        true => questions::high_watermarks(options, &partitions),
        false => BTreeMap::new(),
    };
    let mut splits = Vec::with_capacity(partitions.len());
    for partition in partitions {
        splits.push(questions::split(consumer, options, partition)?);
    }
    // Asked last, since a leader that cannot be reached has shown before.
    let identity = topic_id(consumer, &options.topic, broker, ANSWER_WITHIN);
    for split in &mut splits {
        split.identity = identity.clone();
    }
    start(consumer, options, &mut splits)?;
    for split in &mut splits {
        split.caught_up = options.until_end && split.end.is_some_and(|end| split.position >= end);
    }
    let hidden = splits.iter().filter_map(|split: &Split| {
        let records = high.get(&split.partition)? - split.end?;
        (records > 0).then(|| Warning::OpenTransaction {
            split: split.name.clone(),
            records,
        })
    });
    let warnings = hidden.collect();
    Ok(Opening {
        splits,
        identity,
        warnings,
    })
}

/// Moves the splits, which stand at their beginnings, to where the options say.
fn start(consumer: &BaseConsumer<Events>, options: &KafkaOptions, splits: &mut [Split]) -> Result<(), Error> {
    let end = |split: &Split| split.end.unwrap_or(split.position);
    match &options.start {
        Start::Earliest => {}
        Start::Latest => splits.iter_mut().for_each(|split| split.position = end(split)),
        Start::Group => {
            let wanted = partition_list(options, splits, Offset::Invalid)?;
            let committed = consumer
                .committed_offsets(wanted, ANSWER_WITHIN)
                .map_err(|error| {
                    unanswered(
                        consumer,
                        options,
                        format!("offsets of group {}", options.group),
                        error,
                    )
                })?;
            move_to(splits, &options.topic, &committed);
        }
        Start::Timestamp(millis) => {
            let wanted = partition_list(options, splits, Offset::Offset(*millis))?;
            let found =
                ask(|| consumer.offsets_for_times(wanted.clone(), ANSWER_WITHIN)).map_err(|error| {
                    unanswered(
                        consumer,
                        options,
                        format!("offsets of {} by time", options.topic),
                        error,
                    )
                })?;
            // Where no record is that young, the answer is "the end", which must not move while we look.
            splits.iter_mut().for_each(|split| split.position = end(split));
            move_to(splits, &options.topic, &found);
        }
        Start::At(offsets) => {
            at(splits, &options.topic, offsets)?;
        }
    }
    splits
        .iter()
        .try_for_each(|split| check_range(consumer, options, split))
}

fn at(splits: &mut [Split], topic: &str, offsets: &BTreeMap<i32, i64>) -> Result<(), Error> {
    for (partition, offset) in offsets {
        let known: Vec<String> = splits.iter().map(|split| split.name.clone()).collect();
        match splits.iter_mut().find(|split| split.partition == *partition) {
            Some(split) => split.position = *offset,
            None => {
                return Err(Error::UnknownSplit {
                    split: format!("{topic}/{partition}"),
                    known,
                });
            }
        }
    }
    Ok(())
}

fn partition_list(
    options: &KafkaOptions,
    splits: &[Split],
    offset: Offset,
) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::new();
    for split in splits {
        list.add_partition_offset(&options.topic, split.partition, offset)
            .map_err(Error::kafka(format!("position of {}", split.name)))?;
    }
    Ok(list)
}

/// Takes over those offsets of the list that are real ones.
fn move_to(splits: &mut [Split], topic: &str, list: &TopicPartitionList) {
    for split in splits {
        if let Some(element) = list.find_partition(topic, split.partition)
            && let Offset::Offset(offset) = element.offset()
        {
            split.position = offset;
        }
    }
}

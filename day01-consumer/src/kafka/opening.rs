//! What a source begins with: the partitions of the topic, where to start in each, and where to end.

use std::collections::BTreeMap;

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};

use super::client::Client;
use super::questions::{ANSWER_WITHIN, Topic, ask};
use super::topic_id::topic_id;
use crate::Error;
use crate::source::{Identity, Positions, Split, Start, Warning};

/// What is known of a topic before the first record is read.
pub(super) struct Opening {
    pub(super) splits: Vec<Split>,
    /// Which topic of this name it is, if the brokers say.
    pub(super) identity: Option<Identity>,
    /// What a bounded run will not see.
    pub(super) warnings: Vec<Warning>,
}

/// Reaches the broker, finds the topic and its partitions, and settles where to start and where to end.
pub(super) fn open(client: &Client) -> Result<Opening, Error> {
    let until_end = client.options.until_end;
    let Topic { partitions, broker } = client.topic()?;
    // Asked first: what was written by then and can still not be read when the ends are asked for is hidden.
    let high = match until_end {
        true => client.high_watermarks(&partitions),
        false => BTreeMap::new(),
    };
    let mut splits = Vec::with_capacity(partitions.len());
    for partition in partitions {
        splits.push(client.split(partition)?);
    }
    // Asked last, since a leader that cannot be reached has shown before.
    let identity = topic_id(client, broker, ANSWER_WITHIN);
    for split in &mut splits {
        split.identity = identity.clone();
    }
    start(client, &mut splits)?;
    for split in &mut splits {
        split.caught_up = until_end && split.end.is_some_and(|end| split.position >= end);
    }
    let hidden = splits.iter().filter_map(|split: &Split| {
        let records = high.get(&split.partition)? - split.end?;
        (records > 0).then(|| Warning::OpenTransaction {
            split: split.name.clone(),
            records,
        })
    });
    Ok(Opening {
        warnings: hidden.collect(),
        splits,
        identity,
    })
}

/// Moves the splits, which stand at their beginnings, to where the options say.
fn start(client: &Client, splits: &mut [Split]) -> Result<(), Error> {
    let (consumer, options) = (&client.consumer, &client.options);
    let end = |split: &Split| split.end.unwrap_or(split.position);
    match &options.start {
        Start::Earliest => {}
        Start::Latest => splits.iter_mut().for_each(|split| split.position = end(split)),
        Start::Group => {
            let wanted = client.list(splits.iter().map(|split| (split, Offset::Invalid)))?;
            let committed = consumer
                .committed_offsets(wanted, ANSWER_WITHIN)
                .map_err(client.unanswered(format!("offsets of group {}", options.group)))?;
            move_to(splits, &options.topic, &committed);
        }
        Start::Timestamp(millis) => {
            let wanted = client.list(splits.iter().map(|split| (split, Offset::Offset(*millis))))?;
            let found = ask(|| consumer.offsets_for_times(wanted.clone(), ANSWER_WITHIN))
                .map_err(client.unanswered(format!("offsets of {} by time", options.topic)))?;
            // Where no record is that young, the answer is "the end", which must not move while we look.
            splits.iter_mut().for_each(|split| split.position = end(split));
            move_to(splits, &options.topic, &found);
        }
        Start::At(offsets) => Positions::of_topic(&options.topic, offsets).apply(splits)?,
    }
    splits.iter().try_for_each(|split| client.check_range(split))
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

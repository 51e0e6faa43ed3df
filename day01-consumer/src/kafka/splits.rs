//! How far each partition has been read: what a record and an end of a partition mean for its split.

use crate::records::{Record, Records};
use crate::source::Split;

/// Keeps a record, unless it lies behind the end at which a bounded read stops, and moves its split behind it.
#[inline]
pub(super) fn accept(splits: &mut [Split], bounded: bool, record: Record<'_>, records: &mut Records) {
    let Some(split) = find(splits, record.partition) else {
        return;
    };
    if bounded && split.end.is_some_and(|end| record.offset >= end) {
        split.position = split.end.unwrap_or(split.position);
        split.caught_up = true;
        return;
    }
    records.push(record);
    split.position = record.offset + 1;
    match bounded {
        true => split.caught_up = split.end.is_some_and(|end| split.position >= end),
        false => {
            split.caught_up = false;
            split.end = split.end.max(Some(split.position));
        }
    }
}

/// Notes that everything a partition holds has been handed out. The client has then passed the transaction markers
/// behind the last record, which our position has not.
pub(super) fn reached_end(splits: &mut [Split], bounded: bool, partition: i32, passed: Option<i64>) {
    let Some(split) = find(splits, partition) else {
        return;
    };
    split.position = passed.map_or(split.position, |passed| split.position.max(passed));
    split.caught_up = true;
    match bounded {
        true => split.position = split.end.unwrap_or(split.position),
        false => split.end = Some(split.position),
    }
}

#[inline]
pub(super) fn find(splits: &mut [Split], partition: i32) -> Option<&mut Split> {
    let index = splits
        .binary_search_by_key(&partition, |split| split.partition)
        .ok()?;
    splits.get_mut(index)
}

//! How far each partition has been read: what a record and an end of a partition mean for its split.

use super::fetched::End;
use super::hidden::Ends;
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

/// Notes that everything of a partition that can be read has been handed out. The client has then passed the transaction
/// markers behind the last record, which our position has not. If the partition is written further than that, the rest
/// hides behind an open transaction, or is on its way: it has not caught up.
pub(super) fn reached_end(splits: &mut [Split], bounded: bool, end: End) {
    let End {
        partition,
        passed,
        high,
    } = end;
    let Some(split) = find(splits, partition) else {
        return;
    };
    split.position = passed.map_or(split.position, |passed| split.position.max(passed));
    if bounded {
        split.position = split.end.unwrap_or(split.position);
        split.caught_up = true;
        return;
    }
    split.end = high.max(Some(split.position));
    split.caught_up = split.end == Some(split.position);
}

/// Notes up to where a partition is written and can be read, as it was a moment ago.
pub(super) fn on_ends(split: &mut Split, ends: Ends) {
    split.end = split.end.max(Some(ends.high));
    if ends.stable < ends.high && split.position <= ends.stable {
        split.caught_up = false;
    }
}

#[inline]
pub(super) fn find(splits: &mut [Split], partition: i32) -> Option<&mut Split> {
    let index = splits
        .binary_search_by_key(&partition, |split| split.partition)
        .ok()?;
    splits.get_mut(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a partition that has been read up to 3 has caught up, and its lag.
    fn after(then: impl FnOnce(&mut [Split])) -> (bool, Option<i64>) {
        let mut splits = [Split::new(0, "orders/0".to_string(), 3, Some(3))];
        then(&mut splits);
        (splits[0].caught_up, splits[0].lag())
    }

    #[test]
    fn a_partition_whose_records_hide_behind_an_open_transaction_has_not_caught_up() {
        let end = |splits: &mut [Split], passed, high| {
            let passed = Some(passed);
            reached_end(
                splits,
                false,
                End {
                    partition: 0,
                    passed,
                    high,
                },
            );
        };
        let ends = |splits: &mut [Split], stable, high| on_ends(&mut splits[0], Ends { stable, high });
        assert_eq!(after(|splits| end(splits, 3, Some(3))), (true, Some(0)));
        assert_eq!(after(|splits| end(splits, 3, Some(8))), (false, Some(5)));
        assert_eq!(
            after(|splits| end(splits, 3, None)),
            (true, Some(0)),
            "nothing is known"
        );
        // A transaction begins behind the end, at which the client says nothing more.
        let begins = |splits: &mut [Split]| {
            end(splits, 3, Some(3));
            ends(splits, 3, 8);
        };
        assert_eq!(after(begins), (false, Some(5)));
        let ended = |splits: &mut [Split]| {
            begins(splits);
            end(splits, 9, Some(9));
            ends(splits, 3, 8);
        };
        assert_eq!(after(ended), (true, Some(0)), "what was so a moment ago is over");
    }
}

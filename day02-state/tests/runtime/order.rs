//! What keeps its order, and how much may lie between two tasks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use day02_state::keys::Owners;
use day02_state::operator::Message::Data;
use day02_state::operator::Turn;
use day02_state::runtime::{Buffers, Job, Stop, by_key, single};

use crate::operators::*;

/// Two sources with 40 rows each, through a relay for each, to one sink.
fn two_to_one(driver: Driver, buffers: Buffers) -> Log {
    let log = Log::default();
    let (mut edge, mut job) = (single(2, buffers), Job::new());
    for (number, out) in edge.outboxes.into_iter().enumerate() {
        let mut way: Edge = single(1, buffers);
        let from = 100 * number as u64;
        let source = says((from..from + 40).map(Data), 3);
        job.task(
            format!("source {number}"),
            Inbox::none(),
            source,
            way.outboxes.remove(0),
        );
        job.task(format!("relay {number}"), way.inboxes.remove(0), Plain, out);
    }
    job.task("sink", edge.inboxes.remove(0), log.keeper(), Outbox::none());
    driver.run(job, &Stop::new()).unwrap();
    log
}

#[test]
fn rows_of_one_channel_keep_their_order() {
    for (capacity, rows) in [
        (1, 1),
        (1, 2),
        (1, 7),
        (1, 1_000),
        (8, 1),
        (8, 2),
        (8, 7),
        (8, 1_000),
    ] {
        for linger in [Duration::ZERO, 10 * MILLI] {
            both(25, 3, |driver| {
                let log = two_to_one(
                    driver,
                    Buffers {
                        linger,
                        ..buffers(capacity, rows)
                    },
                );
                assert_eq!(log.words_of(0), (0..40).map(Data).collect::<Vec<Word>>());
                assert_eq!(log.words_of(1), (100..140).map(Data).collect::<Vec<Word>>());
            });
        }
    }
}

#[test]
fn between_channels_there_is_no_order() {
    let all: Vec<Vec<u64>> = (0..100)
        .map(|seed| two_to_one(Driver::Seed(seed), buffers(1, 1)).rows())
        .collect();
    let firsts: BTreeSet<u64> = all.iter().map(|rows| rows[0]).collect();
    assert_eq!(firsts, BTreeSet::from([0, 100]));
    assert_ne!(all[0], all[1]);
}

#[test]
fn a_row_goes_to_the_owner_of_its_key_and_nowhere_else() {
    both(300, 24, |driver| {
        let mut edge: Edge = by_key(2, 3, buffers(1, 2));
        let logs = [Log::default(), Log::default(), Log::default()];
        let mut job = Job::new();
        for (from, out) in [0, 100].into_iter().zip(edge.outboxes) {
            job.task("source", Inbox::none(), says((from..from + 40).map(Data), 3), out);
        }
        for (log, inbox) in logs.iter().zip(edge.inboxes.drain(..)) {
            job.task("sink", inbox, log.keeper(), Outbox::none());
        }
        driver.run(job, &Stop::new()).unwrap();
        let owners = Owners::of(3);
        for (lane, log) in logs.iter().enumerate() {
            for (channel, from) in [0, 100].into_iter().enumerate() {
                let own = (from..from + 40).filter(|number| owner(&owners, *number) == lane);
                let own: Vec<Word> = own.map(Data).collect();
                assert!(!own.is_empty());
                assert_eq!(log.words_of(channel), own);
            }
        }
    });
}

/// The most rows that ever lay between a source that always has some and a slow sink, with a relay between them.
fn backlog(driver: Driver, buffers: Buffers, rows: usize, in_a_turn: usize) -> usize {
    let [produced, consumed, most] = [const { AtomicUsize::new(0) }; 3].map(Arc::new);
    let (mut up, mut down): (Edge, Edge) = (single(1, buffers), single(1, buffers));
    let mut job = Job::new();
    let (count, taken, highest) = (produced.clone(), consumed.clone(), most.clone());
    let source = source(move |_, out| {
        out.data(Numbers(vec![0; in_a_turn]));
        let all = count.fetch_add(in_a_turn, Ordering::SeqCst) + in_a_turn;
        // It is never more than now, when rows have just come in.
        highest.fetch_max(all - taken.load(Ordering::SeqCst), Ordering::SeqCst);
        match all < rows {
            true => Turn::Again,
            false => Turn::Done,
        }
    });
    job.task("source", Inbox::none(), source, up.outboxes.remove(0));
    job.task("relay", up.inboxes.remove(0), Plain, down.outboxes.remove(0));
    let taken = consumed.clone();
    let sink = slow(move |rows| {
        taken.fetch_add(rows, Ordering::SeqCst);
    });
    job.task("sink", down.inboxes.remove(0), sink, Outbox::none());
    driver.run(job, &Stop::new()).unwrap();
    assert!(produced.load(Ordering::SeqCst) >= rows);
    assert_eq!(consumed.load(Ordering::SeqCst), produced.load(Ordering::SeqCst));
    most.load(Ordering::SeqCst)
}

#[test]
fn what_lies_before_a_slow_sink_is_bounded() {
    // The last one makes three packets in a turn, of which two wait while the first does not fit.
    let cases = [(1, 1, 1, 1, 0), (1, 7, 3, 9, 0), (4, 7, 1, 7, 0), (8, 1, 3, 1, 2)];
    for (capacity, rows, in_a_turn, packet, waits) in cases {
        // For each channel what it holds, and the packet that does not fit.
        let bound = 2 * (capacity + 1) * packet + waits;
        both(100, 12, |driver| {
            let most = backlog(driver, buffers(capacity, rows), 2 * bound, in_a_turn);
            match driver {
                Driver::Seed(_) => assert_eq!(most, bound),
                // One more packet may be in the hands of the sink.
                Driver::Threads => assert!(most <= bound + packet, "{most} rows"),
            }
        });
    }
}

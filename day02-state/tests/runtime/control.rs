//! Where control goes, and its place between the rows.

use day02_state::operator::Message::{Control, Data};
use day02_state::operator::{How, Input, Operator, Output, Turn};
use day02_state::runtime::{Buffers, Job, Stop, broadcast, by_key, forward, single};

use crate::operators::*;

/// Rows and control as they take turns.
const WORDS: [Word; 6] = [Data(1), Control(1), Data(2), Data(3), Control(2), Data(4)];

/// Sends the words into each outbox, all at once, and says what comes in at each inbox.
fn send(driver: Driver, outboxes: Vec<Outbox>, inboxes: Vec<Inbox>) -> Vec<Log> {
    let logs: Vec<Log> = inboxes.iter().map(|_| Log::default()).collect();
    let mut job = Job::new();
    for out in outboxes {
        job.task("source", Inbox::none(), says(WORDS, WORDS.len()), out);
    }
    for (log, inbox) in logs.iter().zip(inboxes) {
        job.task("sink", inbox, log.keeper(), Outbox::none());
    }
    driver.run(job, &Stop::new()).unwrap();
    logs
}

/// Two edges as one, of which the outboxes are teed.
fn tee(mut one: Edge, other: Edge) -> Edge {
    one.inboxes.extend(other.inboxes);
    let pairs = one.outboxes.into_iter().zip(other.outboxes);
    Edge {
        outboxes: pairs.map(|(one, other)| one.tee(other)).collect(),
        inboxes: one.inboxes,
    }
}

#[test]
fn control_goes_to_every_receiver_once_and_keeps_its_place() {
    // An edge, how many receivers it has, and how many senders each of them hears.
    type Shape = (fn(Buffers) -> Edge, usize, usize);
    let shapes: [Shape; 7] = [
        (|buffers| by_key(2, 3, buffers), 3, 2),
        (|buffers| broadcast(2, 3, buffers), 3, 2),
        (|buffers| forward(3, buffers), 3, 1),
        (|buffers| single(3, buffers), 1, 3),
        (|buffers| tee(by_key(2, 3, buffers), single(2, buffers)), 4, 2),
        (|buffers| tee(forward(2, buffers), forward(2, buffers)), 4, 1),
        (
            |buffers| {
                tee(
                    single(2, buffers),
                    tee(broadcast(2, 2, buffers), by_key(2, 2, buffers)),
                )
            },
            5,
            2,
        ),
    ];
    for (shape, receivers, heard) in shapes {
        for buffers in [buffers(1, 1), buffers(8, 1_000)] {
            both(50, 6, |driver| {
                let edge = shape(buffers);
                let logs = send(driver, edge.outboxes, edge.inboxes);
                assert_eq!(logs.len(), receivers);
                for log in logs {
                    for channel in 0..heard {
                        // What is dealt out by key may lack rows, and nothing else.
                        let mut expected = WORDS.to_vec();
                        let words = log.words_of(channel);
                        expected.retain(|word| matches!(word, Control(_)) || words.contains(word));
                        assert_eq!(words, expected);
                    }
                    assert_eq!(log.words_of(heard), []);
                }
            });
        }
    }
}

#[test]
fn rows_that_wait_for_a_full_packet_go_before_the_control_behind_them() {
    for shape in [
        |buffers| broadcast(1, 3, buffers),
        |buffers| tee(single(1, buffers), single(1, buffers)),
    ] {
        both(300, 24, |driver| {
            let edge: Edge = shape(buffers(8, 1_000));
            for log in send(driver, edge.outboxes, edge.inboxes) {
                let input = Input { port: 0, channel: 0 };
                let expected = [
                    Call::Data(input, Numbers(vec![1])),
                    Call::Control(input, 1),
                    Call::Data(input, Numbers(vec![2, 3])),
                    Call::Control(input, 2),
                    Call::Data(input, Numbers(vec![4])),
                    Call::InputEnd(input, How::Drained),
                    Call::End(How::Drained),
                ];
                assert_eq!(log.calls(), expected);
            }
        });
    }
}

#[test]
fn a_split_gives_each_side_its_rows_and_both_all_control() {
    for rows in [1, 1_000] {
        both(300, 24, |driver| {
            let buffers = buffers(1, rows);
            let (mut way, mut even, mut odd): (Edge, Edge, Edge) =
                (single(1, buffers), single(1, buffers), single(1, buffers));
            let logs = [Log::default(), Log::default()];
            let mut job = Job::new();
            job.task("source", Inbox::none(), says(WORDS, 2), way.outboxes.remove(0));
            let split = even.outboxes.remove(0).split(odd.outboxes.remove(0));
            job.task("sorts", way.inboxes.remove(0), Sorts, split);
            job.task("even", even.inboxes.remove(0), logs[0].keeper(), Outbox::none());
            job.task("odd", odd.inboxes.remove(0), logs[1].keeper(), Outbox::none());
            driver.run(job, &Stop::new()).unwrap();
            assert_eq!(logs[0].words(), [Control(1), Data(2), Control(2), Data(4)]);
            assert_eq!(logs[1].words(), [Data(1), Control(1), Data(3), Control(2)]);
        });
    }
}

#[test]
fn a_task_that_aligns_two_ways_of_one_source_gets_everything() {
    both(300, 48, |driver| {
        let (mut ways, mut detour): (Edge, Edge) = (broadcast(1, 2, buffers(1, 1)), single(1, buffers(1, 1)));
        let log = Log::default();
        let words: Vec<Word> = (0..5).flat_map(|n| WORDS.map(|word| shifted(word, n))).collect();
        let mut job = Job::new();
        job.task("source", Inbox::none(), says(words, 4), ways.outboxes.remove(0));
        job.task("relay", ways.inboxes.remove(1), Plain, detour.outboxes.remove(0));
        let inbox = ways.inboxes.remove(0).join(detour.inboxes.remove(0));
        job.task("sink", inbox, aligns(2, log.keeper()), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        let (mut rows, mut barriers) = (Vec::new(), Vec::new());
        for word in log.words() {
            match word {
                Data(number) => rows.push(number),
                // All rows before a barrier have come in twice, and none from behind it.
                Control(barrier) => {
                    rows.sort_unstable();
                    let before = (1..).take_while(|number| *number <= last_before(barrier));
                    assert_eq!(
                        rows,
                        before.flat_map(|number| [number, number]).collect::<Vec<u64>>()
                    );
                    barriers.push(barrier);
                }
            }
        }
        assert_eq!(barriers, Vec::from_iter(1..=10));
        assert_eq!(rows.len(), 2 * 20);
    });
}

/// The same word in the n-th repetition of `WORDS`, of which each has four rows and two barriers.
fn shifted(word: Word, n: u32) -> Word {
    match word {
        Data(number) => Data(number + 4 * u64::from(n)),
        Control(barrier) => Control(barrier + 2 * n),
    }
}

/// The last row before a barrier in these repetitions.
fn last_before(barrier: Barrier) -> u64 {
    let before = [0, 1, 3];
    let n = (barrier - 1) / 2;
    4 * u64::from(n) + before[(barrier - 2 * n) as usize]
}

/// What an operator says that is called without a runtime.
#[derive(Default)]
struct Said(Vec<Word>);

impl Output<Numbers, Barrier> for Said {
    fn data(&mut self, rows: Numbers) {
        self.0.extend(rows.0.into_iter().map(Data));
    }

    fn control(&mut self, barrier: Barrier) {
        self.0.push(Control(barrier));
    }
}

#[test]
fn by_default_control_is_passed_on_and_nothing_else_says_anything() {
    let (mut plain, mut said) = (Plain, Said::default());
    let input = Input { port: 0, channel: 0 };
    plain.on_flush(&mut said).unwrap();
    plain.on_mail(1, &mut said).unwrap();
    plain.on_input_end(input, How::Drained, &mut said).unwrap();
    plain.on_end(How::Drained, &mut said).unwrap();
    assert_eq!(plain.on_turn(MILLI, &mut said).unwrap(), Turn::Done);
    assert_eq!(said.0, []);
    plain.on_control(input, 2, &mut said).unwrap();
    assert_eq!(said.0, [Control(2)]);
    assert!(plain.accepts(0) && plain.accepts(7));
    assert_eq!(plain.status(), "waits for input");
}

#[test]
fn passing_on_by_default_keeps_control_in_its_place() {
    for sizes in [[1, 1, 1], [1_000, 1_000, 1_000], [2, 7, 1]] {
        both(100, 12, |driver| {
            let log = Log::default();
            let words: Vec<Word> = (0..5).flat_map(|n| WORDS.map(|word| shifted(word, n))).collect();
            let [mut a, mut b, mut c]: [Edge; 3] = sizes.map(|rows| single(1, buffers(1, rows)));
            let mut job = Job::new();
            job.task(
                "source",
                Inbox::none(),
                says(words.clone(), 4),
                a.outboxes.remove(0),
            );
            job.task("one", a.inboxes.remove(0), Plain, b.outboxes.remove(0));
            job.task("two", b.inboxes.remove(0), Plain, c.outboxes.remove(0));
            job.task("sink", c.inboxes.remove(0), log.keeper(), Outbox::none());
            driver.run(job, &Stop::new()).unwrap();
            assert_eq!(log.words(), words);
        });
    }
}

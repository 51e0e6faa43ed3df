//! Where control goes, and its place between the rows.

use day02_state::operator::Message::{Control, Data};
use day02_state::operator::{EndReason, Input, Operator, Output, Turn};
use day02_state::runtime::{Buffers, Job, Stop, broadcast, by_key, forward, single};
use day02_state::status::Status;
use day02_state::stepper::run_stepper;

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
                let input = Input::default();
                let expected = [
                    Call::Data(input, Numbers(vec![1])),
                    Call::Control(input, 1),
                    Call::Data(input, Numbers(vec![2, 3])),
                    Call::Control(input, 2),
                    Call::Data(input, Numbers(vec![4])),
                    Call::InputEnd(input, EndReason::Drained),
                    Call::End(EndReason::Drained),
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
    let input = Input::default();
    plain.on_flush(&mut said).unwrap();
    plain.on_mail(1, &mut said).unwrap();
    plain.on_input_end(input, EndReason::Drained, &mut said).unwrap();
    plain.on_end(EndReason::Drained, &mut said).unwrap();
    assert_eq!(plain.on_turn(MILLI, &mut said).unwrap(), Turn::Done);
    assert_eq!(said.0, []);
    plain.on_control(input, 2, &mut said).unwrap();
    assert_eq!(said.0, [Control(2)]);
    said.control_with_rows(3);
    assert_eq!(
        said.0,
        [Control(2), Control(3)],
        "an output without packets has nothing to wait for"
    );
    assert!(plain.accepts(0) && plain.accepts(7));
    let mut status = Status::default();
    Operator::<Barrier>::status(&mut plain, &mut status);
    assert_eq!(status.to_string(), "waits for input");
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

// ------------------------------------------------------------------------------------------- control that can wait

/// Says these words, so many in a turn; control whose number is odd goes with the rows, other control at once.
fn mixed(words: Vec<Word>, in_a_turn: usize) -> impl Operator<Barrier, In = Numbers, Out = Numbers> {
    let mut words = words.into_iter();
    source(move |_, out| {
        for word in words.by_ref().take(in_a_turn) {
            match word {
                Control(barrier) if barrier % 2 == 1 => out.control_with_rows(barrier),
                word => say(word, out),
            }
        }
        match words.len() {
            0 => Turn::Done,
            _ => Turn::Again,
        }
    })
}

#[test]
fn control_that_goes_with_the_rows_keeps_its_place_among_them_whatever_the_packets() {
    let words: Vec<Word> = (0..6).flat_map(|n| WORDS.map(|word| shifted(word, n))).collect();
    type Shape = (fn(Buffers) -> Edge, usize);
    let shapes: [Shape; 4] = [
        (|buffers| by_key(1, 3, buffers), 3),
        (|buffers| broadcast(1, 3, buffers), 3),
        (|buffers| single(1, buffers), 1),
        (|buffers| tee(by_key(1, 2, buffers), single(1, buffers)), 3),
    ];
    for (shape, receivers) in shapes {
        for (rows, in_a_turn) in [(1, 1), (2, 3), (3, 5), (7, 1), (1_000, 2), (1_000, 100)] {
            both(30, 6, |driver| {
                let mut edge = shape(buffers(1, rows));
                let logs: Vec<Log> = (0..receivers).map(|_| Log::default()).collect();
                let mut job = Job::new();
                let source = mixed(words.clone(), in_a_turn);
                job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
                for (log, inbox) in logs.iter().zip(edge.inboxes) {
                    job.task("sink", inbox, log.keeper(), Outbox::none());
                }
                driver.run(job, &Stop::new()).unwrap();
                for log in logs {
                    // Each is told of all control, and the end comes last.
                    let mut expected = words.clone();
                    let found = log.words();
                    expected.retain(|word| matches!(word, Control(_)) || found.contains(word));
                    assert_eq!(found, expected);
                    let calls = log.calls();
                    assert!(matches!(
                        calls[..],
                        [.., Call::InputEnd(..), Call::End(EndReason::Drained)]
                    ));
                }
            });
        }
    }
}

/// What a source says at these milliseconds, and at which of them it comes in.
fn times(rows: usize, said: &'static [(u32, Word)], seed: u64) -> Vec<(u128, Word)> {
    let mut edge: Edge = single(1, buffers(1, rows));
    let (seen, mut job) = (Log::default(), Job::new());
    let mut left = said;
    let source = source(move |now, out| {
        while let Some(((at, word), rest)) = left.split_first()
            && *at * MILLI <= now
        {
            match word {
                Control(barrier) if barrier % 2 == 1 => out.control_with_rows(*barrier),
                word => say(*word, out),
            }
            left = rest;
        }
        // Long after the last word, so that nothing leaves because of the end.
        match (left.first(), now < 100 * MILLI) {
            (Some((at, _)), _) => Turn::Wait(Some(*at * MILLI)),
            (None, true) => Turn::Wait(Some(100 * MILLI)),
            (None, false) => Turn::Done,
        }
    });
    job.task("source", Inbox::none(), source, edge.outboxes.remove(0));
    job.task("sink", edge.inboxes.remove(0), seen.keeper(), Outbox::none());
    let (mut came, mut before) = (Vec::new(), 0);
    run_stepper(job, seed, &Stop::new(), &mut |now, _, _| {
        let words = seen.words();
        came.extend(words[before..].iter().map(|word| (now.as_millis(), *word)));
        before = words.len();
    })
    .unwrap();
    came
}

#[test]
fn control_that_goes_with_the_rows_waits_for_its_packet_and_other_control_does_not() {
    // How many rows make a packet; what is said and when; when it comes in. A row waits for 10 ms.
    type Line = (usize, &'static [(u32, Word)], &'static [u128]);
    let table: [Line; 8] = [
        (1_000, &[(5, Control(2))], &[5]),
        (1_000, &[(5, Control(1))], &[15]),
        // It waits with the row before it, and rows behind it wait with it.
        (1_000, &[(5, Data(1)), (8, Control(1))], &[15, 15]),
        (
            1_000,
            &[(5, Control(1)), (8, Data(1)), (9, Control(3))],
            &[15, 15, 15],
        ),
        // What goes at once takes along what has waited.
        (
            1_000,
            &[(5, Data(1)), (6, Control(1)), (7, Data(2)), (8, Control(2))],
            &[8; 4],
        ),
        // It counts as a row when a packet fills.
        (3, &[(5, Data(1)), (6, Control(1)), (7, Data(2))], &[7; 3]),
        (
            3,
            &[(5, Data(1)), (6, Control(1)), (7, Control(3)), (8, Data(2))],
            &[7, 7, 7, 18],
        ),
        (1, &[(5, Control(1)), (6, Data(1))], &[5, 6]),
    ];
    for (rows, said, wanted) in table {
        for seed in 0..50 {
            let came = times(rows, said, seed);
            let words = said.iter().map(|(_, word)| *word);
            let wanted: Vec<(u128, Word)> = wanted.iter().copied().zip(words).collect();
            assert_eq!(came, wanted, "{said:?}, packets of {rows}, seed {seed}");
        }
    }
}

/// Everything that the first source has to say is one packet, of which the sink must leave the larger part.
const ONE_PACKET: [Word; 6] = [Data(1), Control(1), Data(3), Data(5), Control(3), Data(7)];

#[test]
fn a_packet_is_held_back_in_the_middle_and_goes_on_there() {
    both(300, 48, |driver| {
        let (mut one, mut other): (Edge, Edge) = (single(1, buffers(1, 1_000)), single(1, buffers(1, 1)));
        let log = Log::default();
        let mut job = Job::new();
        let all = mixed(ONE_PACKET.to_vec(), ONE_PACKET.len());
        job.task("packet", Inbox::none(), all, one.outboxes.remove(0));
        let words = vec![Data(2), Data(4), Control(1), Data(6), Control(3), Data(8)];
        let mut words = words.into_iter();
        // It begins when the whole packet lies before the sink, and takes its time.
        let slow = source(move |now, out| {
            if now >= 20 * MILLI
                && let Some(word) = words.next()
            {
                say(word, out);
            }
            match words.len() {
                0 => Turn::Done,
                _ => Turn::Wait(Some(now.max(20 * MILLI) + MILLI)),
            }
        });
        job.task("slow", Inbox::none(), slow, other.outboxes.remove(0));
        let inbox = one.inboxes.remove(0).join(other.inboxes.remove(0));
        job.task("sink", inbox, aligns(2, log.keeper()), Outbox::none());
        driver.run(job, &Stop::new()).unwrap();
        let of = |parity: u64| {
            let mut words = log.words();
            words.retain(|word| !matches!(word, Data(number) if number % 2 != parity));
            words
        };
        assert_eq!(of(1), ONE_PACKET, "nothing is passed over, nothing comes twice");
        assert_eq!(
            of(0),
            [Data(2), Data(4), Control(1), Data(6), Control(3), Data(8)]
        );
    });
}

#[test]
fn what_is_left_of_a_packet_that_is_held_back_is_told_to_whoever_asks() {
    for seed in 0..50 {
        let (mut one, mut other): (Edge, Edge) = (single(1, buffers(1, 1_000)), single(1, buffers(1, 1)));
        let mut job = Job::new();
        let all = mixed(ONE_PACKET.to_vec(), ONE_PACKET.len());
        job.task("packet", Inbox::none(), all, one.outboxes.remove(0));
        let silent = source(|_, _| Turn::Wait(None));
        job.task("silent", Inbox::none(), silent, other.outboxes.remove(0));
        let inbox = one.inboxes.remove(0).join(other.inboxes.remove(0));
        job.task("sink", inbox, aligns(2, Log::default().keeper()), Outbox::none());
        let stuck = Driver::Seed(seed).run(job, &Stop::new()).unwrap_err().to_string();
        // Two batches and a barrier behind the first one, and the end, for which there is just room.
        let said = "sink: has 1 of 2 barriers (packet is held back, 4 waiting; silent may send)";
        assert!(stuck.contains(said), "{stuck}");
    }
}

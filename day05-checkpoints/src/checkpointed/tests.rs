//! The adapters by their calls: what an operator inside is told, and what comes out in which order.

use day02_state::operator::Message;
use day02_state::state::{Frozen, Owner, Part};

use super::*;
use crate::fault::with;

/// An operator that remembers letters. It holds the last one back until it is told to flush.
#[derive(Default)]
struct Letters {
    seen: String,
    held: Option<char>,
    durable: u64,
    turns: usize,
    /// After how many turns it has nothing more to send, if it is a source.
    source: Option<usize>,
    log: Vec<String>,
}

impl Operator<u8> for Letters {
    type In = char;
    type Out = char;

    fn on_data(&mut self, _: Input, letter: char, out: Out<'_, Self::Out, u8>) -> Outcome {
        self.seen.push(letter);
        if let Some(held) = self.held.replace(letter) {
            out.data(held);
        }
        Ok(())
    }

    fn on_turn(&mut self, _: Duration, _: Out<'_, Self::Out, u8>) -> Outcome<Turn> {
        self.turns += 1;
        Ok(match self.source {
            Some(turns) if self.turns > turns => Turn::Done,
            _ => Turn::Wait(None),
        })
    }

    fn on_flush(&mut self, out: Out<'_, Self::Out, u8>) -> Outcome {
        self.log.push("flush".to_string());
        self.held.take().into_iter().for_each(|held| out.data(held));
        Ok(())
    }
}

impl Stateful for Letters {
    fn snapshot(&mut self, id: u64) -> Frozen {
        assert_eq!(self.held, None, "nothing is held back when state is frozen");
        self.log.push(format!("snapshot {id}"));
        let bytes = self.seen.clone().into_bytes();
        Frozen::new(move || {
            vec![Part {
                name: "seen".to_string(),
                owner: Owner::First,
                bytes,
            }]
        })
    }

    fn on_checkpoint_complete(&mut self, id: u64) {
        self.durable = id;
    }

    fn restore(&mut self, _: Vec<Part>) -> Outcome {
        Ok(())
    }
}

/// A source of [`Letters`]: the same with another input.
struct Writes(Letters);

impl Operator<u8> for Writes {
    type In = ();
    type Out = char;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, u8>) -> Outcome {
        Ok(())
    }
    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, u8>) -> Outcome<Turn> {
        let turn = self.0.on_turn(now, out)?;
        let letter = char::from(b'a' + self.0.turns as u8 - 1);
        if turn != Turn::Done {
            self.0.on_data(Input::default(), letter, out)?;
        }
        Ok(turn)
    }
    fn on_flush(&mut self, out: Out<'_, Self::Out, u8>) -> Outcome {
        self.0.on_flush(out)
    }
}

impl Stateful for Writes {
    fn snapshot(&mut self, id: u64) -> Frozen {
        self.0.snapshot(id)
    }
    fn on_checkpoint_complete(&mut self, id: u64) {
        self.0.on_checkpoint_complete(id);
    }
    fn restore(&mut self, parts: Vec<Part>) -> Outcome {
        self.0.restore(parts)
    }
}

/// What came out, in words, and how long it took to align.
#[derive(Default)]
struct Heard(Vec<String>, Vec<Duration>);

impl Output<WithAcks<char>, Signal<u8>> for Heard {
    fn data(&mut self, data: WithAcks<char>) {
        match data {
            Either::Left(letter) => self.0.push(letter.to_string()),
            Either::Right(acks) => self.0.extend(acks.into_iter().map(|ack| match ack {
                Ack::Drained => "drained".to_string(),
                Ack::State(id, state, aligned) => {
                    self.1.push(aligned);
                    let seen = state.parts().concat_bytes();
                    format!("state {id}: {seen}")
                }
            })),
        }
    }

    fn control(&mut self, control: Signal<u8>) {
        self.0.push(format!("{control:?}"));
    }
}

trait ConcatBytes {
    fn concat_bytes(&self) -> String;
}

impl ConcatBytes for Vec<Part> {
    fn concat_bytes(&self) -> String {
        self.iter()
            .map(|part| String::from_utf8_lossy(&part.bytes))
            .collect()
    }
}

fn on(channel: usize) -> Input {
    Input {
        port: 0,
        channel,
        now: Duration::ZERO,
    }
}

/// What may stand in a channel.
type Tape<'a> = &'a [Message<char, Signal<u8>>];

fn data(letter: char) -> Message<char, Signal<u8>> {
    Message::Data(letter)
}

fn barrier(id: u64) -> Message<char, Signal<u8>> {
    Message::Control(Signal::Barrier(id))
}

/// Everything that comes out for every order in which these channels can be read, each once.
fn all_interleavings(tapes: &[Tape<'_>]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    // Which channel is read next, for each step; counts through all sequences that the aligner allows.
    let mut pending: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(order) = pending.pop() {
        let mut adapter = CheckpointedOperator::new(tapes.len(), 0, Letters::default());
        let (mut heard, mut next) = (Heard::default(), vec![0; tapes.len()]);
        for channel in &order {
            let message = tapes[*channel][next[*channel]];
            next[*channel] += 1;
            let done = match message {
                Message::Data(letter) => adapter.on_data(on(*channel), letter, &mut heard),
                Message::Control(control) => adapter.on_control(on(*channel), control, &mut heard),
            };
            done.expect("taken");
        }
        let may = |channel: &usize| next[*channel] < tapes[*channel].len() && adapter.accepts(*channel);
        let more: Vec<usize> = (0..tapes.len()).filter(may).collect();
        if more.is_empty() {
            assert!(
                next.iter().zip(tapes).all(|(next, tape)| *next == tape.len()),
                "stuck after {order:?}"
            );
            found.push(heard.0);
        }
        pending.extend(
            more.into_iter()
                .map(|channel| [order.as_slice(), &[channel]].concat()),
        );
    }
    found
}

/// The letters of the state that was acknowledged, sorted.
fn states(heard: &[Vec<String>]) -> Vec<String> {
    let state = |heard: &Vec<String>| {
        let mut acks = heard.iter().filter_map(|said| said.strip_prefix("state 1: "));
        let mut letters: Vec<char> = acks.next().expect("a state").chars().collect();
        assert_eq!(acks.next(), None, "once");
        letters.sort_unstable();
        letters.into_iter().collect::<String>()
    };
    let mut states: Vec<String> = heard.iter().map(state).collect();
    states.sort();
    states.dedup();
    states
}

fn status(operator: &mut impl Operator<Signal<u8>>) -> String {
    let mut status = Status {
        senders: ["source 0", "source 1", "source 2"].map(str::to_string).to_vec(),
        ..Status::default()
    };
    operator.status(&mut status);
    status.to_string()
}

#[test]
fn for_every_interleaving_the_state_is_of_the_rows_before_the_barrier() {
    let one = [data('a'), barrier(1), data('b')];
    let other = [data('x'), data('y'), barrier(1), data('z')];
    let all = all_interleavings(&[&one, &other]);
    assert!(all.len() > 5, "{}", all.len());
    assert_eq!(states(&all), ["axy"]);
    let faulty = with(Some(Fault::AlignerAcceptsEverything), || {
        all_interleavings(&[&one, &other])
    });
    assert_eq!(states(&faulty), ["abxy", "axy", "axyz"], "rows of the next epoch");
}

#[test]
fn what_is_held_back_goes_first_then_the_state_and_then_the_barrier() {
    let mut adapter = CheckpointedOperator::new(1, 0, Letters::default());
    let mut heard = Heard::default();
    for letter in ['a', 'b'] {
        adapter.on_data(on(0), letter, &mut heard).expect("taken");
    }
    adapter
        .on_control(on(0), Signal::Barrier(1), &mut heard)
        .expect("taken");
    adapter.on_data(on(0), 'c', &mut heard).expect("taken");
    assert_eq!(heard.0, ["a", "b", "state 1: ab", "Barrier(1)"]);
    assert_eq!(adapter.inner.log, ["flush", "snapshot 1"]);
}

#[test]
fn a_channel_that_ends_lets_the_barrier_pass() {
    let mut adapter = CheckpointedOperator::new(2, 0, Letters::default());
    let mut heard = Heard::default();
    adapter
        .on_control(on(0), Signal::Barrier(1), &mut heard)
        .expect("taken");
    assert!(!adapter.accepts(0));
    assert_eq!(
        status(&mut adapter),
        "waits for input; waits for barrier 1 of source 1"
    );
    adapter
        .on_input_end(on(1), EndReason::Drained, &mut heard)
        .expect("taken");
    assert!(adapter.accepts(0));
    assert_eq!(heard.0, ["state 1: ", "Barrier(1)"]);
}

#[test]
fn how_long_channels_were_held_back_is_told_with_the_state() {
    let mut adapter = CheckpointedOperator::new(3, 0, Letters::default());
    let mut heard = Heard::default();
    let at = |channel, millis| Input {
        now: Duration::from_millis(millis),
        ..on(channel)
    };
    let mut barrier = |channel, millis, id| {
        let taken = adapter.on_control(at(channel, millis), Signal::Barrier(id), &mut heard);
        taken.expect("taken");
    };
    let given_up_and_late = [
        (0, 10, 1),
        (1, 20, 1),
        (0, 30, 2),
        (2, 35, 1),
        (1, 40, 2),
        (2, 75, 2),
    ];
    let ended_by_an_end = [(0, 100, 3), (1, 110, 3)];
    for (channel, millis, id) in given_up_and_late.into_iter().chain(ended_by_an_end) {
        barrier(channel, millis, id);
    }
    let ended = adapter.on_input_end(at(2, 180), EndReason::Drained, &mut heard);
    ended.expect("taken");
    assert_eq!(heard.1, [45, 80].map(Duration::from_millis));
}

#[test]
fn a_restored_task_takes_no_barrier_that_is_not_behind_its_checkpoint() {
    let mut adapter = CheckpointedOperator::new(1, 7, Letters::default());
    let mut heard = Heard::default();
    for id in [6, 7, 8] {
        adapter
            .on_control(on(0), Signal::Barrier(id), &mut heard)
            .expect("taken");
    }
    assert_eq!(heard.0, ["state 8: ", "Barrier(8)"]);
}

#[test]
fn inner_control_goes_through_and_durable_is_told_by_mail() {
    let mut adapter = CheckpointedOperator::new(1, 0, Letters::default());
    let mut heard = Heard::default();
    adapter
        .on_control(on(0), Signal::Inner(9), &mut heard)
        .expect("taken");
    adapter.on_mail(Signal::Complete(4), &mut heard).expect("taken");
    assert_eq!(heard.0, ["Inner(9)"]);
    assert_eq!(adapter.inner.durable, 4);
    for signal in [Signal::Barrier(5), Signal::Pause, Signal::Finish, Signal::Suspend] {
        adapter
            .on_mail(signal, &mut heard)
            .expect_err("it goes to others");
    }
    for signal in [
        Signal::Complete(5),
        Signal::Pause,
        Signal::Finish,
        Signal::Suspend,
    ] {
        adapter
            .on_control(on(0), signal, &mut heard)
            .expect_err("it goes by mail");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Sources

/// A source that sends so many letters, one a turn.
fn source(letters: usize) -> (CheckpointedSource<Writes>, Heard) {
    let letters = Letters {
        source: Some(letters),
        ..Letters::default()
    };
    (CheckpointedSource::new(Writes(letters)), Heard::default())
}

impl CheckpointedSource<Writes> {
    fn turn(&mut self, heard: &mut Heard) -> Turn {
        self.on_turn(Duration::ZERO, heard).expect("a turn")
    }
    fn mail(&mut self, signal: Signal<u8>, heard: &mut Heard) {
        self.on_mail(signal, heard).expect("mail");
    }
}

#[test]
fn a_barrier_reaches_a_source_that_has_nothing_to_read() {
    let (mut source, mut heard) = source(2);
    assert_eq!(source.turn(&mut heard), Turn::Wait(None));
    // It is idle now. The position is the one behind the last row that went before the barrier.
    source.mail(Signal::Barrier(1), &mut heard);
    source.mail(Signal::Barrier(2), &mut heard);
    source.turn(&mut heard);
    source.mail(Signal::Barrier(3), &mut heard);
    assert_eq!(
        heard.0,
        [
            "a",
            "state 1: a",
            "Barrier(1)",
            "state 2: a",
            "Barrier(2)",
            "b",
            "state 3: ab",
            "Barrier(3)"
        ]
    );
}

#[test]
fn a_source_that_is_paused_sends_the_barrier_and_no_row_behind_it() {
    let (mut source, mut heard) = source(9);
    source.turn(&mut heard);
    source.mail(Signal::Pause, &mut heard);
    assert_eq!(source.turn(&mut heard), Turn::Wait(None));
    source.mail(Signal::Barrier(1), &mut heard);
    assert_eq!(source.turn(&mut heard), Turn::Wait(None));
    assert_eq!(heard.0, ["a", "state 1: a", "Barrier(1)"]);
    let paused = status(&mut source);
    assert!(paused.contains("is paused"), "{paused}");
}

#[test]
fn a_source_that_has_nothing_more_to_send_waits_for_its_last_checkpoint() {
    let (mut source, mut heard) = source(1);
    source.turn(&mut heard);
    assert_eq!(source.turn(&mut heard), Turn::Wait(None), "it does not end");
    assert_eq!(source.turn(&mut heard), Turn::Wait(None));
    assert_eq!(
        heard.0,
        ["drained"],
        "said once; its last letter is still held back"
    );
    source.mail(Signal::Barrier(1), &mut heard);
    source.mail(Signal::Complete(1), &mut heard);
    assert_eq!(source.turn(&mut heard), Turn::Wait(None));
    source.mail(Signal::Finish, &mut heard);
    assert_eq!(source.turn(&mut heard), Turn::Done);
    assert_eq!(heard.0, ["drained", "a", "state 1: a", "Barrier(1)"]);
    assert_eq!(source.inner.0.durable, 1);
}

#[test]
fn after_its_last_checkpoint_a_source_sends_nothing_more_not_even_a_barrier() {
    let after_the_last = || {
        let (mut source, mut heard) = source(0);
        source.turn(&mut heard);
        source.mail(Signal::Barrier(1), &mut heard);
        source.mail(Signal::Complete(1), &mut heard);
        source.mail(Signal::Finish, &mut heard);
        heard.0.clear();
        source.mail(Signal::Barrier(2), &mut heard);
        source.turn(&mut heard);
        heard.0
    };
    assert_eq!(after_the_last(), [""; 0]);
    let faulty = with(Some(Fault::BarrierAfterFinish), after_the_last);
    assert_eq!(faulty, ["state 2: ", "Barrier(2)"]);
}

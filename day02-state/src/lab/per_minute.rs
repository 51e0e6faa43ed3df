//! Orders per minute, as day 2 can count them: by the minute in which they *arrive*. It is wrong, and it is another wrong
//! answer in each run, because what the network does is not in the input.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::job::NoControl;
use crate::operator::{EndReason, Input, Operator, Out, Outcome, Turn};
use crate::outbox::Outbox;
use crate::runtime::{Buffers, Inbox, Job, Stop, forward};
use crate::stepper::run_stepper;

/// Orders by minute, counted from 0.
pub type PerMinute = BTreeMap<u64, u64>;

/// So many orders, evenly over three minutes: when each was made.
pub fn orders(count: u64) -> Vec<Duration> {
    (0..count)
        .map(|order| Duration::from_secs(180) * order as u32 / count as u32)
        .collect()
}

fn minute(time: Duration) -> u64 {
    time.as_secs() / 60
}

/// The right answer: by when orders were made.
pub fn by_event_time(orders: &[Duration]) -> PerMinute {
    let mut counts = PerMinute::new();
    for made in orders {
        *counts.entry(minute(*made)).or_default() += 1;
    }
    counts
}

/// The answer of a worker that looks at its clock, over a network that takes up to `delay`, drawn from `seed`.
pub fn by_arrival(orders: &[Duration], delay: Duration, seed: u64) -> Result<PerMinute, Error> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut late = |made: &Duration| *made + delay * (random.next_u32() >> 16) / (1 << 16);
    let mut arrivals: Vec<Duration> = orders.iter().map(&mut late).collect();
    arrivals.sort_unstable_by(|one, other| other.cmp(one));
    let edge = forward(1, Buffers::default());
    let counts = Arc::new(Mutex::new(PerMinute::new()));
    let mut job = Job::new();
    for (outbox, inbox) in edge.outboxes.into_iter().zip(edge.inboxes) {
        let network = Network {
            arrivals: arrivals.clone(),
        };
        let count = CountByClock {
            waiting: 0,
            counts: PerMinute::new(),
            answer: Arc::clone(&counts),
        };
        job.task("network", Inbox::none(), network, outbox);
        job.task("count", inbox, count, Outbox::none());
    }
    run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {})?;
    let counts = counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(counts)
}

/// Hands each order on when it arrives.
struct Network {
    /// The next one last.
    arrivals: Vec<Duration>,
}

impl Operator<NoControl> for Network {
    type In = ();
    type Out = Vec<()>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, NoControl>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        while self.arrivals.pop_if(|arrival| *arrival <= now).is_some() {
            out.data(vec![()]);
        }
        Ok(match self.arrivals.last() {
            Some(next) => Turn::Wait(Some(*next)),
            None => Turn::Done,
        })
    }
}

/// Counts what has come since it last looked at the clock, under the minute that the clock shows.
struct CountByClock {
    waiting: u64,
    counts: PerMinute,
    answer: Arc<Mutex<PerMinute>>,
}

impl Operator<NoControl> for CountByClock {
    type In = Vec<()>;
    type Out = ();

    fn on_data(&mut self, _: Input, orders: Vec<()>, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        self.waiting += orders.len() as u64;
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        if self.waiting > 0 {
            *self.counts.entry(minute(now)).or_default() += std::mem::take(&mut self.waiting);
        }
        Ok(Turn::Done)
    }

    fn on_end(&mut self, _: EndReason, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = std::mem::take(&mut self.counts);
        Ok(())
    }
}

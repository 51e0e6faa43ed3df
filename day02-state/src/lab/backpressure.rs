//! What a slow task does to a fast one before it, on the virtual clock: a source that could send a packet every
//! millisecond, and a sink that takes one every five.

use std::time::Duration;

use crate::error::Error;
use crate::job::NoControl;
use crate::operator::{Input, Operator, Out, Outcome, Turn};
use crate::outbox::Outbox;
use crate::runtime::{Buffers, Did, Inbox, Job, Stop, forward};
use crate::stepper::run_stepper;

const SOURCE_NEEDS: Duration = Duration::from_millis(1);
const SINK_NEEDS: Duration = Duration::from_millis(5);

/// What lies in the channel from this moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// When.
    pub time: Duration,
    /// How many packets the source has sent.
    pub sent: usize,
    /// How many packets the sink has taken.
    pub taken: usize,
}

impl Level {
    /// How many packets lie between the two.
    pub fn waiting(&self) -> usize {
        self.sent - self.taken
    }
}

/// Sends so many packets, one a millisecond.
struct Fast {
    left: usize,
    next: Duration,
}

impl Operator<NoControl> for Fast {
    type In = ();
    type Out = Vec<usize>;

    fn on_data(&mut self, _: Input, (): (), _: Out<'_, Self::Out, NoControl>) -> Outcome {
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, out: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        if now >= self.next && self.left > 0 {
            out.data(vec![self.left]);
            self.left -= 1;
            self.next = now + SOURCE_NEEDS;
        }
        Ok(match self.left {
            0 => Turn::Done,
            _ => Turn::Wait(Some(self.next)),
        })
    }
}

/// Is busy for five milliseconds with each packet.
struct Slow {
    now: Duration,
    busy_until: Duration,
}

impl Operator<NoControl> for Slow {
    type In = Vec<usize>;
    type Out = ();

    fn on_data(&mut self, _: Input, _: Vec<usize>, _: Out<'_, Self::Out, NoControl>) -> Outcome {
        self.busy_until = self.now + SINK_NEEDS;
        Ok(())
    }

    fn on_turn(&mut self, now: Duration, _: Out<'_, Self::Out, NoControl>) -> Outcome<Turn> {
        self.now = now;
        Ok(match self.busy_until > now {
            true => Turn::Wait(Some(self.busy_until)),
            false => Turn::Done,
        })
    }

    /// Stands for work that takes long: no thread waits in a test.
    fn accepts(&self, _: usize) -> bool {
        self.busy_until <= self.now
    }
}

/// Runs the two over a channel of this capacity.
pub fn run(packets: usize, capacity: usize) -> Result<Vec<Level>, Error> {
    let buffers = Buffers {
        capacity,
        rows: 1,
        ..Buffers::default()
    };
    let edge = forward(1, buffers);
    let mut job = Job::new();
    for (outbox, inbox) in edge.outboxes.into_iter().zip(edge.inboxes) {
        let fast = Fast {
            left: packets,
            next: Duration::ZERO,
        };
        let slow = Slow {
            now: Duration::ZERO,
            busy_until: Duration::ZERO,
        };
        job.task("fast", Inbox::none(), fast, outbox);
        job.task("slow", inbox, slow, Outbox::none());
    }
    let mut levels = vec![Level {
        time: Duration::ZERO,
        sent: 0,
        taken: 0,
    }];
    run_stepper(job, 1, &Stop::new(), &mut |time, _, did| {
        let Level { sent, taken, .. } = levels[levels.len() - 1];
        match did {
            Did::Sent(packets) => levels.push(Level {
                time,
                sent: sent + packets,
                taken,
            }),
            Did::Data(_) | Did::InputEnd(_) => levels.push(Level {
                time,
                sent,
                taken: taken + 1,
            }),
            _ => {}
        }
    })?;
    Ok(levels)
}

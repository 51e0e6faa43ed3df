//! The story that the rules of the valve are told with: two channels, one of which goes idle and comes back behind.

use std::fmt;

use day03_windows::time::EventTime;

use crate::valve::WatermarkValve;
use crate::watermark::Watermark;

/// What channels say, in order; none is idle. The numbers are milliseconds, and could be anything.
pub const STORY: [(usize, Option<i64>); 8] = [
    (0, Some(10)),
    (1, Some(5)),
    (1, None),
    (1, Some(7)),
    (0, Some(12)),
    (1, Some(12)),
    (0, Some(20)),
    (1, Some(16)),
];

/// What a channel said, and what is true behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who said something.
    pub channel: usize,
    /// What.
    pub said: Watermark,
    /// What the valve said to that.
    pub out: Vec<Watermark>,
    /// The watermark of the task.
    pub watermark: Option<EventTime>,
    /// The channel that holds it back, if one does.
    pub held_back_by: Option<usize>,
}

/// Tells the story to a valve.
pub fn run() -> Vec<Step> {
    let mut valve = WatermarkValve::new(2);
    let tell = |&(channel, at): &(usize, Option<i64>)| {
        let said = at.map_or(Watermark::Idle, |at| Watermark::At(EventTime(at)));
        let out = valve.on_watermark(channel, said).watermarks().collect();
        Step {
            channel,
            said,
            out,
            watermark: valve.watermark(),
            held_back_by: valve.held_back_by().map(|(channel, _)| channel),
        }
    };
    STORY.iter().map(tell).collect()
}

fn words(watermark: Watermark) -> String {
    match watermark {
        Watermark::At(at) => at.0.to_string(),
        Watermark::Idle => "idle".to_string(),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out: Vec<String> = self.out.iter().map(|said| words(*said)).collect();
        let out = match out.is_empty() {
            true => "nothing".to_string(),
            false => out.join(", "),
        };
        let by = self
            .held_back_by
            .map_or("nobody".to_string(), |by| format!("channel {by}"));
        write!(
            f,
            "channel {} says {:4}   the task says {out:7}   held back by {by}",
            self.channel,
            words(self.said)
        )
    }
}

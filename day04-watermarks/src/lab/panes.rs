//! Late orders that make windows come out again: ten orders, and what four kinds of sinks make of the panes.
//!
//! The engine's panes *accumulate*: each is the whole result so far, and replaces the one before. Panes that *discard* hold
//! only what is new since the last one. They are told apart here, from the same run, by subtraction.

use day02_state::error::Error;
use day02_state::order::{Cents, money};
use day03_windows::lab::trace::{NOON, Placed};
use day03_windows::spec::WindowSpec;
use day03_windows::time::{Span, Stamped};

use super::marked::{self, Rules, Run};

/// How far watermarks are behind.
pub const DELAY: Span = Span::seconds(5);
/// How long windows are kept for late orders.
pub const LATENESS: Span = Span::seconds(20);

/// Who sold, how many seconds after noon, and for how many cents.
const ORDERS: [(&str, i64, i64); 10] = [
    ("m-1", 2, 400),
    ("m-7", 7, 825),
    ("m-7", 12, 1_250),
    ("m-1", 16, 375),
    ("m-1", 5, 2_000),
    ("m-1", 8, 125),
    ("m-7", 23, 700),
    ("m-9", 4, 600),
    ("m-1", 36, 500),
    ("m-1", 6, 900),
];

/// Windows of ten seconds, kept so long for late orders.
pub fn run(lateness: Span) -> Result<Run, Error> {
    let order = |(offset, (merchant, second, cents)): (usize, &(&str, i64, i64))| Placed {
        at: format!("orders/0@{offset}"),
        merchant_id: merchant.to_string(),
        order: Stamped {
            ts: NOON.plus(Span::seconds(*second)),
            value: Cents(*cents),
        },
    };
    let orders: Vec<Placed> = ORDERS.iter().enumerate().map(order).collect();
    let spec = WindowSpec::Tumble {
        size: Span::seconds(10),
        offset: Span(0),
    };
    let rules = Rules {
        lateness,
        ..Rules::delay(DELAY)
    };
    marked::run(&orders, spec, rules)
}

/// What a sink has at the end of the first window of `m-1`, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sinks {
    /// One that replaces what it has by what comes.
    pub replaces: i128,
    /// One that adds what comes to what it has.
    pub adds: i128,
}

impl Sinks {
    fn of(panes: &[i128]) -> Self {
        Sinks {
            replaces: panes.last().copied().unwrap_or_default(),
            adds: panes.iter().sum(),
        }
    }
}

/// The sums of the panes that accumulate, and of the same panes if they discard.
pub fn panes(run: &Run) -> (Vec<i128>, Vec<i128>) {
    let is_first = |start| start == NOON;
    let panes = run.closed();
    let panes = panes.filter(|pane| pane.merchant_id == "m-1" && is_first(pane.window.start));
    let accumulating: Vec<i128> = panes.map(|pane| pane.sum).collect();
    let before = std::iter::once(0).chain(accumulating.iter().copied());
    let discarding = accumulating.iter().zip(before).map(|(sum, before)| sum - before);
    let discarding = discarding.collect();
    (accumulating, discarding)
}

/// What the sinks have; then the same with the last pane twice, as behind a crash.
pub fn table(run: &Run) -> Vec<(&'static str, Sinks)> {
    let (accumulating, discarding) = panes(run);
    let twice = |panes: &[i128]| Sinks::of(&[panes, &panes[panes.len().saturating_sub(1)..]].concat());
    vec![
        ("accumulating panes", Sinks::of(&accumulating)),
        ("  the last one twice", twice(&accumulating)),
        ("discarding panes", Sinks::of(&discarding)),
        ("  the last one twice", twice(&discarding)),
    ]
}

/// A line of the table, with what is right marked.
pub fn line((what, sinks): &(&str, Sinks), right: i128) -> String {
    let cell = |sum: i128| {
        let mark = if sum == right { "right" } else { "wrong" };
        format!("{:>8} {mark}", money(sum).to_string())
    };
    format!("{what:<22} {}  {}", cell(sinks.replaces), cell(sinks.adds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_that_accumulate_are_for_a_sink_that_replaces_and_panes_that_discard_for_one_that_adds() {
        let run = run(LATENESS).unwrap();
        assert_eq!(panes(&run), (vec![400, 2_400, 2_525], vec![400, 2_000, 125]));
        let sinks = table(&run)
            .into_iter()
            .map(|(_, sinks)| (sinks.replaces, sinks.adds));
        let wanted = [(2_525, 5_325), (2_525, 7_850), (125, 2_525), (125, 2_650)];
        assert_eq!(sinks.collect::<Vec<_>>(), wanted);
        assert_eq!(run.lost(), ["orders/0@9"]);
    }
}

//! Event time as a length: where a time lies in a figure, and windows side by side that overlap.

use day03_windows::lab::trace::clock;
use day03_windows::time::{EventTime, Span};
use day03_windows::window::Window;
use svg::node::element::{Group, Rectangle};

use super::{line, text};

/// Where times lie: along `pixels` from `at` on; downwards or to the left if that is negative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    times: Window,
    at: f64,
    pixels: f64,
}

impl Axis {
    /// An axis over all of these windows. Without one there is nothing to be placed on it.
    pub(super) fn over(windows: impl IntoIterator<Item = Window>, at: f64, pixels: f64) -> Self {
        let times = windows.into_iter().reduce(|one, other| one.cover(&other));
        Axis {
            times: times.unwrap_or(Window::new(EventTime(0), EventTime(1))),
            at,
            pixels,
        }
    }

    /// Where this time lies.
    pub(super) fn place(&self, ts: EventTime) -> f64 {
        let from = |time: EventTime| (time.0 - self.times.start.0) as f64;
        self.at + self.pixels * from(ts) / from(self.times.end)
    }

    /// The whole multiples of `every` on the axis, its ends included.
    pub(super) fn marks(&self, every: Span) -> impl Iterator<Item = EventTime> {
        let first = self.times.start.0.div_euclid(every.0) * every.0;
        let marks = (0..).map(move |nth| EventTime(first + nth * every.0));
        let Window { start, end } = self.times;
        marks
            .skip_while(move |mark| *mark < start)
            .take_while(move |mark| *mark <= end)
    }

    /// A thin line and a time of day each ten seconds, for an axis to the right.
    pub(super) fn grid(&self, top: f64, bottom: f64) -> Group {
        let mut grid = Group::new().set("font-size", 11);
        for mark in self.marks(Span::seconds(10)) {
            let x = self.place(mark);
            let label = text(x, bottom + 14.0, &clock(mark).to_string());
            grid = grid
                .add(thin((x, top), (x, bottom)))
                .add(label.set("text-anchor", "middle"));
        }
        grid
    }

    /// The box of a window, for an axis to the right. Windows that touch leave a hair between them.
    pub(super) fn stretch(&self, window: Window, y: f64, height: f64, colour: &str) -> Rectangle {
        let (start, end) = (self.place(window.start), self.place(window.end));
        Rectangle::new()
            .set("x", start + 0.75)
            .set("y", y)
            .set("width", end - start - 1.5)
            .set("height", height)
            .set("rx", 3)
            .set("stroke", colour)
            .set("fill", colour)
            .set("fill-opacity", 0.25)
    }
}

/// A line that is there to be measured by.
pub(super) fn thin(from: (f64, f64), to: (f64, f64)) -> svg::node::element::Line {
    line(from, to).set("stroke", "currentColor").set("opacity", 0.2)
}

/// The lane of each window, so that none overlaps another in its lane.
pub(super) fn lanes(windows: impl IntoIterator<Item = Window>) -> Vec<usize> {
    let mut lanes: Vec<Vec<Window>> = Vec::new();
    let lane_of = |window: Window| {
        let free = lanes
            .iter()
            .position(|lane| !lane.iter().any(|other| other.overlaps(&window)));
        let lane = free.unwrap_or(lanes.len());
        lanes.resize(lanes.len().max(lane + 1), Vec::new());
        lanes[lane].push(window);
        lane
    };
    windows.into_iter().map(lane_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: i64, end: i64) -> Window {
        Window::new(EventTime(start), EventTime(end))
    }

    #[test]
    fn windows_that_touch_share_a_lane_and_those_that_overlap_do_not() {
        let windows = [window(0, 10), window(0, 20), window(10, 30), window(20, 30)];
        assert_eq!(lanes(windows), [0, 1, 0, 1]);
    }

    #[test]
    fn an_axis_has_its_ends_at_its_ends() {
        let axis = Axis::over([window(5_000, 20_000), window(0, 10_000)], 100.0, -50.0);
        assert_eq!(axis.place(EventTime(0)), 100.0);
        assert_eq!(axis.place(EventTime(20_000)), 50.0);
        assert_eq!(axis.marks(Span::seconds(10)).count(), 3);
    }
}

//! The live view of a running job on stderr: on a terminal a table that is redrawn, elsewhere a line every few
//! seconds.

use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use console::{Term, is_dumb, truncate_str};
use indicatif::{HumanCount, HumanDuration};

use crate::lab::cpu::process_cpu_time;
use crate::lab::table::{self, Cell};

/// How often the table is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);
/// How many splits' lag is shown one by one.
const SPLITS: usize = 16;

/// Says a line to the person at the screen. If nobody listens any more (`2>&1 | head`), the work goes on.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// How far a job has come.
#[derive(Debug, Clone)]
pub struct Progress {
    /// How many records were counted.
    pub counted: u64,
    /// How many were skipped, by reason.
    pub skipped: Vec<(String, u64)>,
    /// How many records each split is behind its end, if that is known.
    pub lag: Vec<(String, Option<i64>)>,
    /// What else a person should know who asks why nothing comes out, in lines.
    pub status: Vec<String>,
    /// The columns of the table.
    pub columns: Vec<String>,
    /// The rows worth seeing.
    pub top: Vec<Vec<Cell>>,
}

impl Progress {
    fn skipped_in_all(&self) -> u64 {
        self.skipped.iter().map(|(_, count)| count).sum()
    }

    /// Unknown as soon as one of them is: half a sum would look like good news.
    fn lag_in_all(&self) -> String {
        let lags = self.lag.iter().map(|(_, lag)| *lag);
        match lags.sum::<Option<i64>>() {
            Some(lag) => HumanCount(lag.max(0) as u64).to_string(),
            None => "?".to_string(),
        }
    }
}

/// A line as a terminal of this width would show it: what somebody asks for is not to be cut.
fn folded(line: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    characters
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

/// Shows progress on stderr.
pub struct Live {
    term: Term,
    /// Whether the terminal is one that lines can be taken back from.
    redraws: bool,
    started: Instant,
    /// What the process had used by then.
    cpu_before: Duration,
    drawn: Instant,
    lines_drawn: usize,
    counted_then: u64,
}

impl Live {
    /// Starts the clock.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        let term = Term::buffered_stderr();
        Live {
            redraws: term.is_term() && !is_dumb(),
            term,
            started: Instant::now(),
            cpu_before: process_cpu_time(),
            drawn: Instant::now(),
            lines_drawn: 0,
            counted_then: 0,
        }
    }

    /// Shows how far the job has come, if it is time to.
    pub fn show(&mut self, progress: impl FnOnce() -> Progress) {
        let pause = match self.redraws {
            true => REDRAW,
            false => LINE,
        };
        let since = self.drawn.elapsed();
        if since < pause {
            return;
        }
        let progress = progress();
        let rate = (progress.counted - self.counted_then) as f64 / since.as_secs_f64();
        self.counted_then = progress.counted;
        self.drawn = Instant::now();
        let head = format!(
            "{} records, {} a second, {} behind, {} skipped",
            HumanCount(progress.counted),
            HumanCount(rate as u64),
            progress.lag_in_all(),
            HumanCount(progress.skipped_in_all()),
        );
        match self.redraws {
            true => self.redraw(&head, &progress),
            false => {
                say(head);
                progress.status.iter().for_each(say);
            }
        }
    }

    /// Says something between two drawings.
    pub fn say(&mut self, line: impl fmt::Display) {
        self.clear();
        say(line);
    }

    /// Takes the table away and says what the run came to.
    pub fn finish(&mut self, progress: &Progress) {
        self.clear();
        let took = self.started.elapsed();
        say(format!(
            "{} records in {:.1} s ({} a second, {:.2} s of CPU), {} skipped",
            HumanCount(progress.counted),
            took.as_secs_f64(),
            HumanCount((progress.counted as f64 / took.as_secs_f64()) as u64),
            process_cpu_time().saturating_sub(self.cpu_before).as_secs_f64(),
            HumanCount(progress.skipped_in_all()),
        ));
        for (reason, count) in &progress.skipped {
            say(format!("  skipped {}: {reason}", HumanCount(*count)));
        }
    }

    fn redraw(&mut self, head: &str, progress: &Progress) {
        let lags: Vec<String> = progress
            .lag
            .iter()
            .take(SPLITS)
            .map(|(split, lag)| format!("{split} {}", lag.map_or("?".to_string(), |lag| lag.to_string())))
            .collect();
        let mut lines = vec![
            format!("{head}, {}", HumanDuration(self.started.elapsed())),
            format!("behind: {}", lags.join("  ")),
        ];
        let (height, width) = self.term.size();
        let width = usize::from(width);
        lines.extend(progress.status.iter().flat_map(|line| folded(line, width)));
        let columns: Vec<&str> = progress.columns.iter().map(String::as_str).collect();
        let table = table::table(&columns, progress.top.iter().cloned()).to_string();
        lines.extend(table.lines().map(str::to_string));

        // What has scrolled off the top cannot be taken back.
        lines.truncate(usize::from(height).saturating_sub(1));
        self.take_back();
        for line in &lines {
            // A terminal that cannot be written to will not be missed.
            let _ = self.term.write_line(&truncate_str(line, width, "…"));
        }
        let _ = self.term.flush();
        self.lines_drawn = lines.len();
    }

    fn clear(&mut self) {
        self.take_back();
        let _ = self.term.flush();
    }

    /// Takes back all lines drawn, and whatever was typed below them, such as the `^C` of an interrupt.
    fn take_back(&mut self) {
        match std::mem::take(&mut self.lines_drawn) {
            0 => {}
            lines => {
                let _ = self.term.clear_line();
                let _ = self.term.move_cursor_up(lines);
                let _ = self.term.clear_to_end_of_screen();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_is_wider_than_the_terminal_goes_on_in_the_next_line() {
        assert_eq!(folded("held back – by", 6), ["held b", "ack – ", "by"]);
        assert_eq!(folded("short", 80), ["short"]);
        assert!(folded("", 0).is_empty());
    }
}

//! What a person sees while a job runs: on a terminal a table that is redrawn, elsewhere a line now and then.

use std::time::{Duration, Instant};

use console::{Term, truncate_str};
use indicatif::{HumanCount, HumanDuration};

use crate::lab::cpu::process_cpu_time;
use crate::lab::table::{self, Cell};

/// How often the table is redrawn.
const REDRAW: Duration = Duration::from_millis(250);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(5);
/// How many splits' lag is shown one by one.
const SPLITS: usize = 16;

/// How far a job has come.
#[derive(Debug, Clone)]
pub struct Progress {
    /// How many records were counted.
    pub counted: u64,
    /// How many were skipped, by reason.
    pub skipped: Vec<(String, u64)>,
    /// How many records each split is behind its end, if that is known.
    pub lag: Vec<(String, Option<i64>)>,
    /// The columns of the table.
    pub columns: &'static [&'static str],
    /// The rows worth seeing.
    pub top: Vec<Vec<Cell>>,
}

impl Progress {
    fn skipped_in_all(&self) -> u64 {
        self.skipped.iter().map(|(_, count)| count).sum()
    }

    fn lag_in_all(&self) -> i64 {
        self.lag.iter().filter_map(|(_, lag)| *lag).sum()
    }
}

/// Shows progress on stderr.
pub struct Live {
    term: Term,
    started: Instant,
    drawn: Instant,
    lines_drawn: usize,
    counted_then: u64,
}

impl Live {
    /// Starts the clock.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        Live {
            term: Term::stderr(),
            started: Instant::now(),
            drawn: Instant::now(),
            lines_drawn: 0,
            counted_then: 0,
        }
    }

    /// Shows how far the job has come, if it is time to.
    pub fn show(&mut self, progress: impl FnOnce() -> Progress) {
        let pause = match self.term.is_term() {
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
            HumanCount(progress.lag_in_all().max(0) as u64),
            HumanCount(progress.skipped_in_all()),
        );
        match self.term.is_term() {
            true => self.redraw(&head, &progress),
            false => eprintln!("{head}"),
        }
    }

    /// Says something between two drawings.
    pub fn say(&mut self, line: &str) {
        self.clear();
        eprintln!("{line}");
    }

    /// Takes the table away and says what the run came to.
    pub fn finish(&mut self, progress: &Progress) {
        self.clear();
        let took = self.started.elapsed();
        eprintln!(
            "{} records in {:.1} s ({} a second, {:.2} s of CPU), {} skipped",
            HumanCount(progress.counted),
            took.as_secs_f64(),
            HumanCount((progress.counted as f64 / took.as_secs_f64()) as u64),
            process_cpu_time().as_secs_f64(),
            HumanCount(progress.skipped_in_all()),
        );
        for (reason, count) in &progress.skipped {
            eprintln!("  skipped {}: {reason}", HumanCount(*count));
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
        let table = table::table(progress.columns, progress.top.iter().cloned()).to_string();
        lines.extend(table.lines().map(str::to_string));

        let width = usize::from(self.term.size().1);
        self.clear();
        for line in &lines {
            // A terminal that cannot be written to will not be missed.
            let _ = self.term.write_line(&truncate_str(line, width, "…"));
        }
        self.lines_drawn = lines.len();
    }

    fn clear(&mut self) {
        let _ = self.term.clear_last_lines(std::mem::take(&mut self.lines_drawn));
    }
}

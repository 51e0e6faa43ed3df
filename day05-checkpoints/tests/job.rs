//! The job of day 5 as a whole: stopped and gone on with at other numbers of workers and sources, under threads with
//! packets of one row, at its end, and where there is nothing to do. Crashes are in `tests/crash.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day02-state/tests/drive/mod.rs"]
mod drive;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use day01_consumer::lab::log::Log;
use day01_consumer::lab::table::Format as Text;
use day01_consumer::source::{Share, Source, Start};
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop};
use day02_state::state::Owner;
use day02_state::state::file::Snapshot;
use day02_state::stepper::{self, run_stepper};
use day03_windows::job::{Options as Windows, WINDOWS};
use day03_windows::lab::evaluator::Row;
use day03_windows::time::Span;
use day04_watermarks::job::Options;
use day04_watermarks::splits::Strategy;
use day05_checkpoints::coordinator::{Event, Schedule};
use day05_checkpoints::job::{Checkpoints, Publishes, wire};
use day05_checkpoints::lab::fragile::Fragile;
use day05_checkpoints::signal::Signal;
use day05_checkpoints::sink::files::{FileTarget, Format};
use day05_checkpoints::store::{Checkpoint, Store};
use drive::{Drive, drive};
use orders::{csv, order, rows};

const PARTITIONS: usize = 3;
const KEEP: usize = 3;
const MS: Duration = Duration::from_millis(1);

/// A job with a place for its checkpoints and one for its results, which are started again and again.
#[derive(Clone)]
struct Job {
    log: Log,
    windows: String,
    checkpoints: Fragile,
    files: Fragile,
    late: Fragile,
    interval: Option<Duration>,
    buffers: Buffers,
    batch: usize,
}

/// How a run is laid out and ends.
#[derive(Clone, Copy)]
struct Run {
    workers: usize,
    sources: usize,
    /// Whether it ends by itself. If not, it is suspended once it has nothing more to read.
    to_the_end: bool,
    drive: Drive,
    /// It is suspended when this checkpoint is durable.
    suspended_at: Option<u64>,
}

impl Run {
    /// Suspended when everything has been read.
    fn up_to_now(workers: usize, sources: usize) -> Self {
        Run {
            to_the_end: false,
            ..Run::to_the_end(workers, sources)
        }
    }

    fn to_the_end(workers: usize, sources: usize) -> Self {
        Run {
            workers,
            sources,
            to_the_end: true,
            drive: Drive::Stepper(1),
            suspended_at: None,
        }
    }
}

impl Job {
    fn new(windows: &str) -> Self {
        Job {
            log: Log::new("orders", PARTITIONS),
            windows: windows.to_string(),
            checkpoints: Fragile::new(),
            files: Fragile::new(),
            late: Fragile::new(),
            interval: Some(20 * MS),
            buffers: Buffers {
                capacity: 1,
                rows: 3,
                linger: MS,
            },
            batch: 7,
        }
    }

    /// Orders for all partitions in turn.
    fn append<T: AsRef<str>>(&self, lines: &[T]) {
        for (number, line) in lines.iter().enumerate() {
            let payload = line.as_ref().trim_end().as_bytes();
            self.log.append(number % PARTITIONS, None, Some(payload), None);
        }
    }

    fn latest(&self) -> Option<Checkpoint> {
        let store = Store::open(self.checkpoints.clone(), KEEP).unwrap();
        store.latest().unwrap()
    }

    fn options(&self, workers: usize) -> Options {
        let mut options = Options {
            windows: Windows::new(self.windows.parse().unwrap()),
            watermarks: Strategy {
                delay: Span(300),
                grid: Span(50),
                idle_timeout: None,
                ..Strategy::default()
            },
        };
        options.windows.late_orders = true;
        options.windows.tasks.workers = workers;
        options.windows.tasks.buffers = self.buffers;
        options
    }

    /// From its last checkpoint.
    fn run(&self, run: Run) -> Vec<Event> {
        self.run_from(self.latest(), run).unwrap()
    }

    /// Returns what happened to checkpoints.
    fn run_from(&self, restore: Option<Checkpoint>, run: Run) -> Result<Vec<Event>, Error> {
        let source = |index| {
            let mut source = self.log.source("tests", &Start::Earliest, run.to_the_end)?;
            source.share(Share {
                index,
                of: run.sources,
            });
            Ok(source.with_batch(self.batch))
        };
        let sources = (0..run.sources).map(source).collect::<Result<Vec<_>, Error>>()?;
        let (events, mail, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::default(), Stop::new());
        let coordinator: Arc<OnceLock<day02_state::runtime::Mail<_>>> = Arc::clone(&mail);
        let heard = Arc::clone(&events);
        let checkpoints = Checkpoints {
            store: Some(Box::new(Store::open(self.checkpoints.clone(), KEEP).unwrap())),
            restore,
            schedule: Schedule::every(self.interval),
            listener: Box::new(move |event| {
                if let (Event::Durable(id, _), Some(mail)) = (&event, coordinator.get())
                    && run.suspended_at.is_some_and(|at| *id >= at)
                {
                    mail.send(Signal::Suspend);
                }
                heard.lock().unwrap().push(event);
            }),
            late: Some(Box::new(FileTarget::new(self.late.clone(), Format::Json))),
            stop: stop.clone(),
        };
        let files = FileTarget::new(self.files.clone(), Format::Csv { header: None });
        let target = Some(Publishes::new(Text::Csv, files));
        let (job, _, suspend) = wire(sources, &self.options(run.workers), (), target, checkpoints)?;
        mail.set(suspend.clone()).ok().unwrap();
        match run.drive {
            Drive::Threads => drive(job, Drive::Threads, &stop)?,
            Drive::Stepper(seed) => {
                // Ten seconds are more than enough to read everything.
                let mut over = run.to_the_end || run.suspended_at.is_some();
                let steps = stepper::Schedule { seed, step: MS };
                run_stepper(job, steps, &stop, &mut |now, _, _| {
                    if now > 10_000 * MS && !over {
                        over = true;
                        suspend.send(Signal::Suspend);
                    }
                })?;
            }
        }
        let events = events.lock().unwrap().clone();
        Ok(events)
    }

    /// Everything that is out, sorted.
    fn published(&self) -> Vec<String> {
        lines(&self.files)
    }

    /// The same of late orders, as far as a line is the order that was read.
    fn lost(&self) -> Vec<String> {
        let lines = lines(&self.late).into_iter();
        let orders = lines.map(|line| format!("{}}}\n", line.split_once(",\"late_ms\"").unwrap().0));
        orders.collect()
    }
}

fn lines(files: &Fragile) -> Vec<String> {
    let files = files.files();
    let unfinished = files.keys().filter(|name| name.ends_with(".writing"));
    assert_eq!(unfinished.count(), 0);
    sorted(&String::from_utf8(files.into_values().flatten().collect()).unwrap())
}

fn sorted(csv: &str) -> Vec<String> {
    let mut lines: Vec<String> = csv.lines().map(str::to_string).collect();
    lines.sort();
    lines
}

/// All windows of these orders.
fn right(windows: &str, orders: &[Row]) -> Vec<String> {
    sorted(&csv(windows.parse().unwrap(), orders))
}

/// So many orders, one each 20 ms, up to 200 ms out of order, which is within the delay.
fn some(from: i64, to: i64) -> Vec<String> {
    let one = |number: i64| {
        let ts = number * 20 - number * 7 % 11 * 20;
        order(
            &format!("m-{}", number * 5 % 7),
            &format!("{}.{:02}", number % 40, number % 100),
            ts,
        )
    };
    (from..to).map(one).collect()
}

/// Orders whose windows have long been closed, wherever they are read.
fn late(around: i64) -> Vec<String> {
    let one = |number: i64| order(&format!("m-{}", number % 7), "1000.00", around + number * 30);
    (0..12).map(one).collect()
}

fn given_up(events: &[Event]) -> usize {
    let given_up = events.iter().filter(|event| matches!(event, Event::Aborted(..)));
    given_up.count()
}

const KINDS: [&str; 4] = [
    "tumble:400ms",
    "hop:600ms/200ms",
    "cumulate:800ms/200ms",
    "session:50ms",
];

/// A source without partitions does not end before the last checkpoint, and its words wait for company that does not come.
#[test]
fn sources_without_partitions_change_no_result_however_late_they_are_heard() {
    let times = (1..60).flat_map(|number| [number * 1_000, number]);
    let lines: Vec<String> = times.map(|ts| order("m", "1.00", ts)).collect();
    let published = |sources, seed| {
        let mut job = Job::new("tumble:400ms");
        job.log = Log::new("orders", 1);
        job.buffers.linger = 50 * MS;
        for line in &lines {
            job.log.append(0, None, Some(line.trim_end().as_bytes()), None);
        }
        job.run(Run {
            drive: Drive::Stepper(seed),
            ..Run::to_the_end(2, sources)
        });
        (job.published(), job.lost())
    };
    let right = published(1, 0);
    assert_eq!(right.1.len(), 59);
    for seed in 0..20 {
        assert!(published(2 + seed as usize % 3, seed) == right, "seed {seed}");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Stopped, and gone on with

/// Phases of orders; before each but the first there are some that are late for windows that were published in the phase
/// before. Each phase is read with another layout.
fn three_phases(
    windows: &str,
    seed: u64,
    spoil: impl Fn(Checkpoint) -> Checkpoint,
) -> (Vec<String>, Vec<String>, bool) {
    let job = Job::new(windows);
    let (mut on_time, mut lost) = (Vec::new(), Vec::new());
    for (phase, (workers, sources)) in [(1, 2), (3, 1), (2, 3)].into_iter().enumerate() {
        let phase = phase as i64;
        if phase > 0 {
            let late = late((phase - 1) * 4_000 + 100);
            job.append(&late);
            lost.extend(late);
        }
        let orders = some(10 + phase * 200, 10 + phase * 200 + 200);
        job.append(&orders);
        on_time.extend(rows(&orders));
        let run = match phase {
            2 => Run::to_the_end(workers, sources),
            _ => Run::up_to_now(workers, sources),
        };
        let run = Run {
            drive: Drive::Stepper(seed),
            ..run
        };
        let events = job.run_from(job.latest().map(&spoil), run).unwrap();
        assert!(events.len() > 3 && given_up(&events) == 0, "{events:?}");
    }
    lost.sort();
    let found = job.lost();
    assert!(found.iter().all(|order| lost.contains(order)) && found.is_sorted());
    let each_once = found == lost;
    (job.published(), right(windows, &on_time), each_once)
}

#[test]
fn late_orders_right_after_a_restore_at_any_width_are_in_no_window_and_published_once_as_what_they_are() {
    for windows in KINDS {
        for seed in 0..5 {
            let (published, right, each_once) = three_phases(windows, seed, |checkpoint| checkpoint);
            assert!(each_once, "{windows}, seed {seed}");
            assert!(right.len() > 50, "{windows}: {}", right.len());
            assert_eq!(published, right, "{windows}, seed {seed}");
        }
    }
}

/// The slices of other windows know for themselves up to when they were closed.
#[test]
fn without_the_time_that_was_saved_the_same_orders_make_sessions_of_their_own() {
    let without_time = |mut checkpoint: Checkpoint| {
        let mut left = Snapshot::new();
        for operator in checkpoint.snapshot.operators() {
            let mut parts = checkpoint.snapshot.parts(operator).to_vec();
            parts.retain(|part| operator != WINDOWS || matches!(part.owner, Owner::Group(_)));
            left.add(operator, parts);
        }
        checkpoint.snapshot = left;
        checkpoint
    };
    // Each source says again what it has promised, so it takes a row that comes before the promise of another source.
    let more = |seed: &u64| {
        let (published, right, _) = three_phases("session:50ms", *seed, without_time);
        published.len() > right.len()
    };
    assert!((0..50).any(|seed| more(&seed)));
}

#[test]
fn a_job_that_is_suspended_again_and_again_publishes_the_same() {
    for windows in KINDS {
        let orders = some(0, 400);
        for seed in 0..6 {
            let job = Job::new(windows);
            job.append(&orders);
            let mut runs = 0;
            loop {
                let run = Run {
                    drive: Drive::Stepper(seed),
                    suspended_at: Some(2 * (runs + 1)),
                    ..Run::to_the_end(1 + (seed + runs) as usize % 3, 1 + runs as usize % 3)
                };
                let before = job.latest().map_or(0, |checkpoint| checkpoint.id);
                let events = job.run(run);
                runs += 1;
                assert_eq!(given_up(&events), 0);
                assert!(
                    events
                        .iter()
                        .all(|event| matches!(event, Event::Durable(id, _) if *id > before))
                );
                if job.published().len() == right(windows, &rows(&orders)).len() || runs > 50 {
                    break;
                }
            }
            assert!(runs > 3, "{windows}: it was suspended {runs} times");
            assert_eq!(
                job.published(),
                right(windows, &rows(&orders)),
                "{windows}, seed {seed}"
            );
        }
    }
}

#[test]
fn what_a_suspended_job_has_not_closed_is_not_published_before_it_goes_on() {
    let job = Job::new("tumble:1s");
    // The watermark comes to 700, so nothing is complete.
    job.append(&[order("m-1", "1.00", 0), order("m-1", "2.00", 1_000)]);
    job.run(Run::up_to_now(2, 1));
    assert_eq!(job.published(), [""; 0]);
    job.run(Run::to_the_end(1, 1));
    assert_eq!(job.published().len(), 2);
}

#[test]
fn a_job_that_has_come_to_its_end_has_nothing_more_to_publish() {
    let job = Job::new("tumble:400ms");
    let orders = some(0, 200);
    job.append(&orders);
    job.run(Run::to_the_end(2, 2));
    let (published, files) = (job.published(), job.files.files());
    assert_eq!(published, right("tumble:400ms", &rows(&orders)));
    for workers in 1..4 {
        let events = job.run(Run::to_the_end(workers, 3));
        assert!(!events.is_empty() && given_up(&events) == 0, "{events:?}");
        assert_eq!(job.files.files(), files);
    }
}

#[test]
fn a_checkpoint_of_another_input_is_refused() {
    let job = Job::new("tumble:1s");
    job.append(&some(0, 30));
    job.run(Run::up_to_now(1, 1));
    let other = Job {
        log: Log::new("orders", 2),
        ..job.clone()
    };
    let error = other
        .run_from(job.latest(), Run::to_the_end(1, 1))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "cannot restore the saved state: it has a position in orders/2, which is not part of the input; to start \
         anew, take another --checkpoint-dir"
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Threads

/// A wake-up that gets lost would show as a checkpoint that is given up after a minute, or as a job that does not end.
#[test]
fn under_threads_with_tiny_packets_and_a_tiny_interval_no_checkpoint_needs_its_timeout() {
    let orders = some(0, 200);
    let right = right("hop:600ms/200ms", &rows(&orders));
    let lane = |lane: usize| {
        let mut checkpoints = 0;
        for repetition in (lane..100).step_by(4) {
            let job = Job {
                interval: Some(Duration::from_micros(200)),
                buffers: Buffers {
                    capacity: 1,
                    rows: [1, 3, 1_000][repetition % 3],
                    linger: [50 * MS, Duration::ZERO, 20 * MS][repetition / 3 % 3],
                },
                ..Job::new("hop:600ms/200ms")
            };
            job.append(&orders);
            let (workers, sources) = (1 + repetition % 3, 1 + repetition / 2 % 3);
            let first = Run {
                drive: Drive::Threads,
                suspended_at: Some(1 + repetition as u64 % 7),
                ..Run::to_the_end(workers, sources)
            };
            let second = Run {
                suspended_at: None,
                ..Run {
                    workers: sources,
                    sources: workers,
                    ..first
                }
            };
            for run in [first, second] {
                let events = job.run(run);
                assert_eq!(given_up(&events), 0, "repetition {repetition}: {events:?}");
                assert!(
                    events
                        .iter()
                        .all(|event| matches!(event, Event::Durable(_, cost) if cost.took < 30_000 * MS)),
                    "repetition {repetition}: {events:?}"
                );
                checkpoints += events.len();
            }
            assert_eq!(job.published(), right, "repetition {repetition}");
        }
        checkpoints
    };
    let checkpoints: usize = std::thread::scope(|scope| {
        let lanes = [0, 1, 2, 3].map(|number| scope.spawn(move || lane(number)));
        lanes.into_iter().map(|lane| lane.join().expect("a lane")).sum()
    });
    assert!(checkpoints > 400, "{checkpoints}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Ends, and what is kept

#[test]
fn the_last_three_checkpoints_are_kept_and_the_last_one_covers_everything() {
    let job = Job::new("tumble:400ms");
    let orders = some(0, 300);
    job.append(&orders);
    let events = job.run(Run::to_the_end(2, 2));
    let count = events.len() as u64;
    assert!(count > 5, "{events:?}");
    let names: Vec<String> = job.checkpoints.files().into_keys().collect();
    let newest = [count - 2, count - 1, count].map(|id| format!("checkpoint-{id:020}"));
    assert!(names.ends_with(&newest), "{names:?}");
    // What the three are built on stays as well, and nothing else.
    assert!(names.len() <= 2 * newest.len(), "{names:?}");
    let last = job.latest().unwrap();
    let positions = last
        .snapshot
        .parts("source")
        .iter()
        .filter(|part| part.name == "position");
    let positions: Vec<i64> = positions
        .map(|part| i64::from_le_bytes(part.bytes.as_slice().try_into().unwrap()))
        .collect();
    assert_eq!(positions, [100, 100, 100]);
}

#[test]
fn a_job_without_an_interval_has_a_last_checkpoint_and_publishes_its_tail() {
    let job = Job {
        interval: None,
        ..Job::new("tumble:400ms")
    };
    let orders = some(0, 10);
    job.append(&orders);
    let events = job.run(Run::to_the_end(2, 2));
    assert!(matches!(events[..], [Event::Durable(1, _)]), "{events:?}");
    assert_eq!(job.published(), right("tumble:400ms", &rows(&orders)));
}

#[test]
fn without_a_store_everything_is_published_too() {
    let job = Job::new("session:50ms");
    let orders = some(0, 200);
    job.append(&orders);
    let source = job.log.source("tests", &Start::Earliest, true).unwrap();
    let stop = Stop::new();
    let checkpoints = Checkpoints {
        store: None,
        restore: None,
        schedule: Schedule::default(),
        listener: Box::new(|_| {}),
        late: None,
        stop: stop.clone(),
    };
    let files = FileTarget::new(job.files.clone(), Format::Csv { header: None });
    let target = Some(Publishes::new(Text::Csv, files));
    let (wired, _, _) = wire(vec![source], &job.options(2), (), target, checkpoints).unwrap();
    drive(wired, Drive::Threads, &stop).unwrap();
    assert_eq!(job.published(), right("session:50ms", &rows(&orders)));
}

#[test]
fn where_there_is_nothing_to_read_there_is_a_checkpoint_and_nothing_is_published() {
    for partitions in [0, 1, PARTITIONS] {
        for to_the_end in [true, false] {
            let job = Job {
                log: Log::new("orders", partitions),
                ..Job::new("tumble:1s")
            };
            let run = Run {
                to_the_end,
                ..Run::to_the_end(2, 2)
            };
            let events = job.run(run);
            assert!(
                !events.is_empty() && given_up(&events) == 0,
                "{partitions}: {events:?}"
            );
            assert!(job.files.files().is_empty(), "{partitions}");
        }
    }
}

#[test]
fn a_source_that_is_idle_holds_no_checkpoint_back() {
    let job = Job::new("tumble:400ms");
    // Partition 0 alone has orders, and nothing more comes for ten seconds.
    for line in some(0, 30) {
        job.log.append(0, None, Some(line.trim_end().as_bytes()), None);
    }
    let events = job.run(Run::up_to_now(2, 3));
    assert!(events.len() > 100, "{}", events.len());
    assert!(
        events
            .iter()
            .all(|event| matches!(event, Event::Durable(_, cost) if cost.took < 500 * MS))
    );
}

#[test]
fn a_checkpoint_of_a_hundred_thousand_merchants_is_restored_at_another_width() {
    const MERCHANTS: i64 = 100_000;
    let job = Job {
        interval: None,
        buffers: Buffers::default(),
        batch: 1_000,
        ..Job::new("tumble:1h")
    };
    let two = |round: i64| {
        let line = move |number: i64| order(&format!("m-{number}"), "1.25", round * 1_000 + number % 1_000);
        (0..MERCHANTS).map(line).collect::<Vec<String>>()
    };
    job.append(&two(0));
    job.run(Run::up_to_now(2, 1));
    assert!(job.latest().is_some());
    assert_eq!(job.published(), [""; 0]);
    job.append(&two(1));
    job.run(Run::to_the_end(3, 2));
    let published = job.published();
    assert_eq!(published.len() as i64, MERCHANTS);
    for line in &published {
        assert!(line.contains(",2,2.50,1.25,1.25,"), "{line}");
    }
}

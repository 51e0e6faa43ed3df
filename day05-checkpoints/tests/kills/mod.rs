//! The program itself, killed twenty times while orders come in, at moments drawn from a seed, by a signal that it cannot
//! catch. Each life has another number of workers and of sources; the last one reads to the end. What has been published
//! by then is compared with what the job of day 4 makes of the same topic.
//!
//! ```text
//!   orders   ──────────────────────────────────────────►  200,000 in 20 seconds
//!   lives    ██░███████░░█░████░████████░██░ …  ████████  to the end
//!             kill     kill
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use day01_consumer::kafka::{Fetch, KafkaSource};
use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day01_consumer::lab::table::{self, Format};
use day02_state::runtime::{Stop, run_threads};
use day03_windows::cli::{columns, row};
use day03_windows::job::Options as Windows;
use day03_windows::time::Span;
use day04_watermarks::job::{Options, wire};
use day04_watermarks::splits::Strategy;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::kafka::{Writer, bounded, eventually, payloads, read_to_end};
use super::{Hung, brokers, create_topic, kafka_script, unused_name};

#[path = "../../../day02-state/tests/program/mod.rs"]
mod program;
use program::{Folder, Running};

on_a_real_kafka! {
    each_window_is_in_the_topic_once_after_twenty_kills,
    each_window_is_in_a_file_once_after_twenty_kills,
    each_window_is_in_the_topic_once_after_kills_while_the_broker_goes_away,
    each_window_is_in_a_file_once_after_kills_while_the_broker_goes_away,
    while_the_broker_hangs_checkpoints_are_taken_and_ctrl_c_ends_the_run,
}

const WINDOW: &str = "tumble:1s";
/// As much as the generator has of disorder, so no order is late, however partitions are read.
const DELAY: i64 = 2;
const PARTITIONS: i32 = 3;
/// Orders a second.
const RATE: u64 = 10_000;

/// Where windows are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Into {
    Topic,
    Files,
}

/// What befalls a job.
#[derive(Debug, Clone, Copy)]
struct Fate {
    seed: u64,
    kills: u64,
    orders: u64,
    /// The life in which the broker goes away and comes back.
    broker_restarts_in: Option<u64>,
}

const TWENTY_KILLS: Fate = Fate {
    seed: 5,
    kills: 20,
    orders: 200_000,
    broker_restarts_in: None,
};

const BROKER_GOES_AWAY: Fate = Fate {
    seed: 6,
    kills: 6,
    orders: 60_000,
    broker_restarts_in: Some(3),
};

fn each_window_is_in_the_topic_once_after_twenty_kills() {
    check(Into::Topic, TWENTY_KILLS);
}

fn each_window_is_in_a_file_once_after_twenty_kills() {
    check(Into::Files, TWENTY_KILLS);
}

fn each_window_is_in_the_topic_once_after_kills_while_the_broker_goes_away() {
    check(Into::Topic, BROKER_GOES_AWAY);
}

fn each_window_is_in_a_file_once_after_kills_while_the_broker_goes_away() {
    check(Into::Files, BROKER_GOES_AWAY);
}

fn while_the_broker_hangs_checkpoints_are_taken_and_ctrl_c_ends_the_run() {
    let job = Job::new(Into::Files);
    produce(
        &job.orders,
        Fate {
            orders: 600,
            ..TWENTY_KILLS
        },
        &AtomicU64::new(0),
    );
    let mut running = job.start("--workers 2 --sources 2");
    running.wait_for("writing to");
    eventually("a checkpoint", || (job.checkpoints() > 0).then_some(()));
    let hung = Hung::now();
    let before = job.checkpoints();
    // For longer than the sources go without a question to the broker.
    running.wait_for("lost Kafka");
    assert!(job.checkpoints() > before + 10, "{before} {}", job.checkpoints());

    let begun = Instant::now();
    running.interrupt();
    let run = running.finish();
    let took = begun.elapsed();
    drop(hung);
    run.result();
    assert!(took < Duration::from_secs(2), "{took:?}: {}", run.stderr);
}

fn check(into: Into, fate: Fate) {
    let job = Job::new(into);
    let orders = job.orders.clone();
    let written = AtomicU64::new(0);
    let lives = thread::scope(|scope| {
        scope.spawn(|| produce(&orders, fate, &written));
        job.lives(fate, &written)
    });
    // Some lives have to leave something behind, or nothing is tried; and to be killed where they had left nothing.
    println!("{into:?}: {lives:?}");
    assert!(lives.with_checkpoints > fate.kills / 4, "{lives:?}");
    assert!(lives.with_windows > fate.kills / 5, "{lives:?}");

    let last = job.start("--workers 2 --sources 2 --until-end").finish();
    last.result();
    assert!(
        last.stderr.contains("going on from checkpoint"),
        "{}",
        last.stderr
    );
    assert!(!last.stderr.contains("late rows"), "{}", last.stderr);
    let (mut published, right) = (job.published(), right(&orders));
    // A commit is answered before readers see it.
    let until = Instant::now() + Duration::from_secs(10);
    while published.len() < right.len() && Instant::now() < until {
        published = job.published();
    }
    published.sort();
    assert!(right.len() as u64 > fate.orders / 50, "{}", right.len());
    let missing = right.iter().filter(|line| published.binary_search(line).is_err());
    assert_eq!(
        missing.count(),
        0,
        "of {} windows, {} published",
        right.len(),
        published.len()
    );
    assert_eq!(published, right);
}

/// What the lives of a job have come to.
#[derive(Debug, Default)]
struct Lives {
    with_checkpoints: u64,
    with_windows: u64,
}

struct Job {
    into: Into,
    orders: String,
    windows: String,
    folder: Folder,
}

impl Job {
    /// With topics and a folder of its own.
    fn new(into: Into) -> Self {
        let (orders, windows) = (unused_name("killed"), unused_name("windows"));
        create_topic(&orders, PARTITIONS, &[]);
        create_topic(&windows, 2, &[]);
        Job {
            into,
            orders,
            windows,
            folder: Folder::new(),
        }
    }

    fn start(&self, more: &str) -> Running {
        let sink = match self.into {
            Into::Topic => format!("kafka:{}", self.windows),
            Into::Files => "file:windows".to_string(),
        };
        self.folder.start(&format!(
            "--brokers {} --topic {} --window {WINDOW} --delay {DELAY}s --format csv --sink {sink} --checkpoint-dir \
             checkpoints --checkpoint-interval 200ms {more}",
            brokers(),
            self.orders
        ))
    }

    /// Lives and dies until all orders are there.
    fn lives(&self, fate: Fate, written: &AtomicU64) -> Lives {
        let mut random = ChaCha8Rng::seed_from_u64(fate.seed);
        let (mut lives, mut before) = (Lives::default(), (0, 0));
        let mut files = BTreeMap::new();
        for life in 0..fate.kills {
            let (workers, sources) = (1 + life % 3, 1 + life / 3 % 3);
            let mut job = self.start(&format!("--workers {workers} --sources {sources}"));
            // Half of the times from when it begins to work: before that, not much can go wrong.
            if life % 2 == 0 || fate.broker_restarts_in == Some(life) {
                job.wait_for("writing to");
            }
            thread::sleep(Duration::from_millis(50 + u64::from(random.next_u32()) % 1_450));
            if fate.broker_restarts_in == Some(life) {
                kafka_script("down");
                thread::sleep(Duration::from_millis(500));
                kafka_script("up");
                thread::sleep(Duration::from_millis(1_500));
            }
            let ended = job.child.try_wait().unwrap();
            assert_eq!(ended, None, "life {life} has ended by itself");
            job.kill();

            let now = (self.checkpoints(), self.published_so_far());
            lives.with_checkpoints += u64::from(now.0 > before.0);
            lives.with_windows += u64::from(now.1 > before.1);
            before = now;
            // What is out stays as it is.
            let found = self.files();
            for (name, bytes) in &files {
                assert_eq!(found.get(name), Some(bytes), "{name} after life {life}");
            }
            files = found;
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        while written.load(Ordering::Relaxed) < fate.orders {
            assert!(Instant::now() < deadline, "the orders do not come");
            thread::sleep(Duration::from_millis(50));
        }
        lives
    }

    /// The number of the last checkpoint that has its name.
    fn checkpoints(&self) -> u64 {
        let names = self.names("checkpoints").into_iter();
        let numbers = names.filter_map(|name| name.strip_prefix("checkpoint-")?.parse().ok());
        numbers.max().unwrap_or_default()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path(folder)) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// The files that are out.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let names = self
            .names("windows")
            .into_iter()
            .filter(|name| name.ends_with(".csv"));
        let with_bytes = |name: String| {
            let bytes = self.folder.read(&format!("windows/{name}"));
            (name, bytes)
        };
        names.map(with_bytes).collect()
    }

    fn published_so_far(&self) -> usize {
        match self.into {
            Into::Files => self.files().len(),
            Into::Topic => {
                let source = KafkaSource::open(bounded(&brokers(), &self.windows, Fetch::Batch)).unwrap();
                let ends = day01_consumer::source::Source::splits(&source).iter();
                ends.map(|split| split.end.unwrap_or_default() as usize).sum()
            }
        }
    }

    /// All windows as readers find them, as lines of csv.
    fn published(&self) -> Vec<String> {
        match self.into {
            Into::Files => {
                let header = format!("{}\n", columns(false).join(","));
                let rows = |bytes: Vec<u8>| {
                    let text = String::from_utf8(bytes).unwrap();
                    let rows = text.strip_prefix(&header).expect("a header");
                    rows.lines().map(str::to_string).collect::<Vec<String>>()
                };
                self.files().into_values().flat_map(rows).collect()
            }
            Into::Topic => {
                // As librdkafka reads unless it is told otherwise: committed transactions only.
                let source = KafkaSource::open(bounded(&brokers(), &self.windows, Fetch::Batch));
                let seen = read_to_end(&mut source.unwrap());
                payloads(&seen).into_iter().map(str::to_string).collect()
            }
        }
    }
}

/// Writes orders to all partitions in turn, at a steady pace.
fn produce(topic: &str, fate: Fate, written: &AtomicU64) {
    const AT_ONCE: u64 = 600;
    let mut generator = Generator::new(GeneratorOptions {
        orders: fate.orders,
        seed: fate.seed,
        merchants: 50,
        ..GeneratorOptions::default()
    });
    let (writer, begun) = (Writer::new(&brokers(), topic), Instant::now());
    let mut next: Vec<Vec<String>> = vec![Vec::new(); PARTITIONS as usize];
    for order in 1..=fate.orders {
        let payload = generator.next_order().unwrap().payload.clone();
        next[(order % PARTITIONS as u64) as usize].push(String::from_utf8(payload).unwrap());
        if order % AT_ONCE == 0 || order == fate.orders {
            for (partition, orders) in (0..).zip(&mut next) {
                writer.write(partition, &std::mem::take(orders));
            }
            written.store(order, Ordering::Relaxed);
            let due = Duration::from_millis(order * 1_000 / RATE);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
}

/// What the job of day 4 makes of the topic, as lines of csv.
fn right(topic: &str) -> Vec<String> {
    let source = KafkaSource::open(bounded(&brokers(), topic, Fetch::Batch)).unwrap();
    let options = Options {
        windows: Windows::new(WINDOW.parse().unwrap()),
        watermarks: Strategy {
            delay: Span::seconds(DELAY),
            grid: Span(100),
            idle_timeout: None,
            ..Strategy::default()
        },
    };
    let (job, slot) = wire(vec![source], &options, (), None).unwrap();
    run_threads(job, &Stop::new()).unwrap();
    let answer = slot.take();
    assert_eq!(answer.stats.late, 0);
    let mut text = Vec::new();
    table::append(
        &mut text,
        Format::Csv,
        columns(false),
        answer.windows.iter().map(|closed| row(closed, false)),
    )
    .unwrap();
    let mut lines: Vec<String> = String::from_utf8(text)
        .unwrap()
        .lines()
        .map(str::to_string)
        .collect();
    lines.sort();
    lines
}

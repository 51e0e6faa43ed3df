//! Day 6: the question in SQL. Totals are a materialized view, windows go to files or to a screen.
//!
//! The table names a topic, and gets the log of the scenario in its place.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::scenario::{Question, Scenario};
use day01_consumer::source::MAX_RECORD;
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop};
use day05_checkpoints::disk::{Access, Folder};
use day05_checkpoints::job::Checkpoints;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::target::Target;
use day05_checkpoints::store::Store;
use day06_sql::bind::{Catalog, read};
use day06_sql::exec::open::{AnySource, Connectors, Inputs, Opened, Outside};
use day06_sql::exec::report::WindowStats;
use day06_sql::exec::{Options, Printed, Running, wire_over};
use day06_sql::plan::{Query, Statement, Table};
use day06_sql::value::Scalar;
use day06_sql::view::View;

use super::{day5, workers};
use crate::BookError;
use crate::ladder::found::{Found, cents};
use crate::ladder::world::{Ended, World};

/// The log of the scenario in place of the topic; everything else is as the tables say.
struct OverLog<'a> {
    source: Option<AnySource>,
    connectors: Connectors<'a>,
}

impl Outside for OverLog<'_> {
    fn sources(&mut self, _: &Table) -> Result<Opened, Error> {
        Ok(Opened {
            sources: self.source.take().into_iter().collect(),
            sandbox: None,
            bounded: true,
        })
    }

    fn target(&mut self, table: &Table, durable: bool) -> Result<Option<Box<dyn Target>>, Error> {
        self.connectors.target(table, durable)
    }
}

/// The input.
const ORDERS: &str = "
CREATE TABLE orders (
  merchant_id STRING, amount DECIMAL(10, 2), ts BIGINT,
  event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'localhost:9092', 'format' = 'json'
);";

/// The question of totals.
const TOTALS: &str = "
CREATE MATERIALIZED VIEW totals AS
SELECT merchant_id, COUNT(*) AS order_count, SUM(amount) AS amount_sum
FROM orders GROUP BY merchant_id;";

/// The question of windows.
const WINDOWS: &str = "
INSERT INTO windows
SELECT window_start, merchant_id, COUNT(*), SUM(amount)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(event_time), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, merchant_id;";

/// How many checkpoints are kept.
const KEEP: usize = 3;

pub(super) fn run(scenario: &Scenario, seed: u64) -> Result<Option<Found>, BookError> {
    let folder = tempfile::tempdir().map_err(BookError::file("a temporary folder".as_ref()))?;
    let (kept, published) = (folder.path().join("checkpoints"), folder.path().join("windows"));
    let queries = [query(scenario, &published)?];
    let (world, tape) = (World::new(scenario), Tape::default());
    let mut life = 0;
    loop {
        let failed = |error: day05_checkpoints::store::StoreError| Error::Restore(error.into());
        let disk = Folder::open(&kept).map_err(|error| failed(error.into()))?;
        let store = Store::open(disk, KEEP).map_err(failed)?;
        let restore = store.latest().map_err(failed)?;
        let stop = Stop::new();
        let checkpoints = Checkpoints {
            restore,
            ..Checkpoints::new(Some(Box::new(store)), &stop)
        };
        let source = world.source()?;
        let options = options(workers(scenario, life));
        let printed = Printed::new(tape.clone());
        let mut outside = OverLog {
            source: Some(Box::new(source)),
            connectors: Connectors(&options),
        };
        let running = wire_over(&mut outside, &queries, &options, &printed, checkpoints)?;
        let Running { job, views, .. } = running;
        let board = job.board();
        if world.live(job, seed, &stop)? == Ended::Died {
            life += 1;
            continue;
        }
        let stats = WindowStats::of(&board, "");
        let mut found = Found::nothing(stats.dropped.late, stats.open);
        let lines = match (scenario.question, scenario.prints) {
            (Question::Totals, _) => {
                views.iter().flatten().for_each(|view| total(&mut found, view));
                return Ok(Some(found));
            }
            (Question::Windows, true) => tape.text(),
            (Question::Windows, false) => files(&published)?,
        };
        for line in lines.lines() {
            let added = match scenario.prints {
                true => printed_line(&mut found, line),
                false => day5::add(scenario, &mut found, line),
            };
            added.ok_or_else(|| BookError::Ladder(format!("this has come out: {line}")))?;
        }
        return Ok(Some(found));
    }
}

/// The query that answers the question.
fn query(scenario: &Scenario, published: &Path) -> Result<Query, BookError> {
    let sink = match scenario.prints {
        true => "'connector' = 'print'".to_string(),
        false => format!(
            "'connector' = 'filesystem', 'path' = '{}', 'format' = 'json'",
            published.display()
        ),
    };
    let text = match scenario.question {
        Question::Totals => format!("{ORDERS}{TOTALS}"),
        Question::Windows => format!(
            "{ORDERS}
CREATE TABLE windows (window_start TIMESTAMP_LTZ(3), merchant_id STRING, order_count BIGINT, amount_sum DECIMAL(28, 2))
WITH ({sink});{WINDOWS}"
        ),
    };
    let statements = read(&text, "ladder.sql", &mut Catalog::new());
    let statements = statements.map_err(|error| BookError::Ladder(error.render()))?;
    let query = statements.into_iter().find_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    });
    query.ok_or_else(|| BookError::Ladder("there is no query".to_string()))
}

fn options(workers: usize) -> Options {
    Options {
        workers,
        inputs: Inputs {
            sources: 1,
            until_end: false,
            sandbox: None,
            kafka_options: Vec::new(),
            max_record: MAX_RECORD,
        },
        on_bad_record: OnBadRecord::Skip,
        chunk_rows: usize::MAX,
        lost_marker: LostMarker::default(),
        job: "ladder".to_string(),
        access: Access::Shared,
        sink_buffer: 64 << 20,
        buffers: Buffers::default(),
        shown_at_once: false,
    }
}

/// Adds what a view holds.
fn total(found: &mut Found, view: &View) {
    for row in view.rows() {
        if let [merchant_id, Scalar::BigInt(orders), sum] = row.as_slice() {
            let orders = u64::try_from(*orders).unwrap_or_default();
            found.add(None, &merchant_id.to_string(), orders, cents(&sum.to_string()));
        }
    }
}

/// Adds a printed line, `+I[2026-01-01 12:00:00.000, m-7, 2, 20.75]`; none if it is none.
fn printed_line(found: &mut Found, line: &str) -> Option<()> {
    let row = line.strip_prefix("+I[")?.strip_suffix(']')?;
    let [start, merchant_id, orders, sum] = row.split(", ").collect::<Vec<_>>().try_into().ok()?;
    let start = start.get(11..19)?.parse().ok()?;
    found.add(Some(start), merchant_id, orders.parse().ok()?, Some(cents(sum)?));
    Some(())
}

/// The lines of all files of a folder.
fn files(folder: &Path) -> Result<String, BookError> {
    let failed = || BookError::file(folder);
    let mut lines = String::new();
    for entry in std::fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            lines.push_str(&std::fs::read_to_string(&path).map_err(BookError::file(&path))?);
        }
    }
    Ok(lines)
}

/// What was printed, in all lives.
#[derive(Debug, Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Tape {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

//! What day 6 costs on the ladder of all days: one source, one worker; see [`day01_consumer::lab::ladder`].
//!
//! The jobs are the same, written as SQL, and end in a view that is kept up to date. A view takes part in all changes on the
//! way to the answer, where the jobs of the days before bring the answer at the end only: that is part of what SQL costs.
#![allow(clippy::expect_used, reason = "a benchmark that cannot run has to fail")]

use std::hint::black_box;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::ladder::ladder;
use day01_consumer::lab::log::Log;
use day01_consumer::source::{MAX_RECORD, Start};
use day02_state::error::Error;
use day02_state::runtime::{Buffers, Stop, run_threads};
use day05_checkpoints::coordinator::Schedule;
use day05_checkpoints::disk::Access;
use day05_checkpoints::job::Checkpoints;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::target::Target;
use day06_sql::bind::{Catalog, read};
use day06_sql::exec::open::{Inputs, Opened, Outside};
use day06_sql::exec::{Options, Printed, wire_over};
use day06_sql::plan::{Query, Statement, Table};
use day06_sql::value::Scalar;

const ORDERS: &str = "
    CREATE TABLE orders (merchant_id STRING, amount DECIMAL(10, 2), ts BIGINT,
        at AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR at AS at - INTERVAL '5' SECOND)
    WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');";
const TOTALS: &str = "
    CREATE MATERIALIZED VIEW totals AS
    SELECT COUNT(*) AS n, merchant_id, SUM(amount) AS total, MAX(amount) AS most FROM orders GROUP BY merchant_id;";
const TUMBLE: &str = "
    CREATE MATERIALIZED VIEW windows AS
    SELECT COUNT(*) AS n, merchant_id, window_start, window_end, SUM(amount) AS total, MIN(amount) AS least,
        MAX(amount) AS most, AVG(amount) AS mean
    FROM TUMBLE(orders, at, INTERVAL '10 seconds')
    GROUP BY merchant_id, window_start, window_end EMIT ON WINDOW CLOSE;";

/// A log stands for every topic.
struct InMemory<'a>(&'a Log);

impl Outside for InMemory<'_> {
    fn sources(&mut self, _: &Table) -> Result<Opened, Error> {
        let source = self.0.source("ladder", &Start::Earliest, true)?;
        Ok(Opened {
            sources: vec![Box::new(source)],
            sandbox: None,
            bounded: true,
        })
    }

    fn target(&mut self, _: &Table, _: bool) -> Result<Option<Box<dyn Target>>, Error> {
        Ok(None)
    }
}

fn query(sql: &str) -> Query {
    let statements = read(&format!("{ORDERS}{sql}"), "ladder.sql", &mut Catalog::new()).expect("good SQL");
    let query = statements.into_iter().find_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    });
    query.expect("a query")
}

/// Runs a query over everything in the log; says how many orders were counted, which stands in its first column.
fn run(query: &Query, log: &Log) -> u64 {
    let options = Options {
        workers: 1,
        inputs: Inputs {
            sources: 1,
            until_end: true,
            sandbox: None,
            max_record: MAX_RECORD,
            kafka_options: Vec::new(),
        },
        on_bad_record: OnBadRecord::Fail,
        chunk_rows: usize::MAX,
        lost_marker: LostMarker::Stop,
        access: Access::Shared,
        job: "tests".to_string(),
        sink_buffer: 64 << 20,
        buffers: Buffers::default(),
        shown_at_once: false,
    };
    let stop = Stop::new();
    let checkpoints = Checkpoints {
        store: None,
        restore: None,
        schedule: Schedule::default(),
        listener: Box::new(|_| {}),
        late: None,
        stop: stop.clone(),
    };
    let queries = std::slice::from_ref(query);
    let printed = Printed::new(std::io::sink());
    let running = wire_over(&mut InMemory(log), queries, &options, &printed, checkpoints).expect("a job");
    run_threads(running.job, &stop).expect("generated orders are good");
    let view = running.views.into_iter().flatten().next().expect("a view");
    let counted = black_box(view.rows()).into_iter().map(|row| match row.first() {
        Some(Scalar::BigInt(n)) => n.unsigned_abs(),
        _ => 0,
    });
    counted.sum()
}

fn main() {
    let (totals, tumble) = (query(TOTALS), query(TUMBLE));
    ladder(
        "day06",
        &[
            ("totals", &|log| run(&totals, log)),
            ("tumble", &|log| run(&tumble, log)),
        ],
    );
}

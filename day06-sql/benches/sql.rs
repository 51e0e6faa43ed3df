//! What it costs to say it in SQL: the count of the seed against the loop that one would write by hand, and what it is worth
//! that only the columns that are asked for are read.
//!
//! ```text
//! by-hand        records ─► merchant ─► HashMap                                         the loop of day 1
//! sql            records ─► chunk of merchants ─► groups ─► changes ─► view             the operators of this day
//! sql-all        records ─► chunk of all seven fields ─► …                              the same without push-down
//! sql-each-row   records ─► chunk of merchants ─► row by row ─► groups ─► …             the same without coalescing
//! ```
//!
//! All are called one after the other on one thread, over the same records in memory, by the same decoder: what is compared
//! is the interpreter, not the exchange. Both count to the end before anything is measured, and must agree.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot run has to fail"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use day01_consumer::decode;
use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::lab::cpu::CpuTime;
use day01_consumer::lab::generator::{GeneratorOptions, generated_log};
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Source, Start};
use day02_state::job::Reader;
use day04_watermarks::splits::Strategy;
use day06_sql::aggregate::{Calls, GroupBy};
use day06_sql::bind::{Catalog, read};
use day06_sql::chunk::Chunk;
use day06_sql::exec::graph::{Graph, Work};
use day06_sql::exec::identity::Served;
use day06_sql::exec::outputs::Outputs;
use day06_sql::exec::scan::ScanReader;
use day06_sql::plan::{Query, Statement};
use day06_sql::value::Scalar;
use day06_sql::view::{Epochs, Materialized};

const ORDERS: u64 = 1_000_000;
/// No poll finds so many rows.
const WHOLE: usize = usize::MAX;

/// All fields of an order, the one that is asked for first, so that its place is the same with and without the others.
const SQL: &str = "
    CREATE TABLE orders (merchant_id STRING, order_id STRING, user_id STRING, amount DECIMAL(10, 2), status STRING,
        country STRING, ts BIGINT)
    WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');
    CREATE MATERIALIZED VIEW order_summary AS
    SELECT merchant_id, COUNT(*) AS order_count FROM orders GROUP BY merchant_id;";

type Counts = BTreeMap<String, u64>;

fn query() -> Query {
    let statements = read(SQL, "bench.sql", &mut Catalog::new()).expect("good SQL");
    let query = statements.into_iter().find_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    });
    query.expect("a query")
}

fn source(log: &Log) -> LogSource {
    log.source("bench", &Start::Earliest, true)
        .expect("a log can be read")
}

fn by_hand(log: &Log) -> Counts {
    let mut job = Job::new(source(log), Commit::None, OnBadRecord::Fail);
    while job.step(Duration::ZERO).expect("generated orders are good") != Polled::End {}
    let counts = job.counts().sorted().into_iter();
    counts
        .map(|(merchant, count)| (merchant.to_string(), count))
        .collect()
}

/// The operators of a query, one behind the other; `columns` are those that are read, and the changes of so many rows at most
/// are put together.
fn sql(log: &Log, query: &Query, graph: &Graph, columns: &[usize], chunk_rows: usize) -> Counts {
    let [scan, group, view] = graph.nodes.as_slice() else {
        panic!("a scan, groups and a view");
    };
    let (Work::Scan(table, _), Work::Group(grouping)) = (&scan.work, &group.work) else {
        panic!("a scan and groups");
    };
    let outputs = Outputs::new(&scan.id, graph.lanes_of(0), &Served::default());
    let mut reader = ScanReader::new(table, columns, outputs, Strategy::default());
    let calls = Calls::new(grouping.calls.clone());
    let mut groups = GroupBy::new(grouping.keys.clone(), calls, true);
    let then = &view.ports[0][0].steps;
    let mut kept = Materialized::new(&query.plan.fields());
    let (mut source, mut records) = (source(log), Records::new());
    while source
        .poll(&mut records, Duration::ZERO)
        .expect("a log can be read")
        != Polled::End
    {
        for (record, text) in decode::texts(&records) {
            reader.read(&record, text).expect("generated orders are good");
        }
        let Some(rows) = reader.take().expect("a chunk").pop() else {
            continue;
        };
        let all: Vec<u32> = (0..rows.chunk.rows as u32).collect();
        for some in all.chunks(chunk_rows) {
            let mut changes = Chunk::default();
            let cut = (some.len() < all.len()).then(|| rows.gather(some));
            groups
                .on_chunk(cut.as_ref().unwrap_or(&rows), &mut changes)
                .expect("counts fit");
            kept.apply(&then.apply(changes).expect("columns"))
                .expect("a changelog");
        }
    }
    let view = Epochs::default().view(query.plan.fields());
    view.publish(0, kept.freeze());
    let rows = view.rows().into_iter();
    rows.map(|row| match row.as_slice() {
        [Scalar::Varchar(merchant), Scalar::BigInt(count)] => (merchant.to_string(), count.unsigned_abs()),
        other => (format!("{other:?}"), 0),
    })
    .collect()
}

fn main() {
    let log = generated_log(
        GeneratorOptions {
            orders: ORDERS,
            ..GeneratorOptions::default()
        },
        1,
    );
    let query = query();
    let queries = std::slice::from_ref(&query);
    let graph = Graph::of(queries, &["query".to_string()], &Served::default()).expect("a graph");
    let Some(Work::Scan(table, asked_for)) = graph.nodes.first().map(|node| &node.work) else {
        panic!("a scan");
    };
    let all: Vec<usize> = (0..table.columns.len()).collect();
    assert_eq!(asked_for.as_slice(), [0], "the planner leaves only the merchant");

    let expected = by_hand(&log);
    assert_eq!(expected.values().sum::<u64>(), ORDERS);
    let variants = [
        ("sql", asked_for.as_slice(), WHOLE),
        ("sql-all", all.as_slice(), WHOLE),
        ("sql-each-row", asked_for.as_slice(), 1),
    ];
    for (name, columns, chunk_rows) in variants {
        assert_eq!(sql(&log, &query, &graph, columns, chunk_rows), expected, "{name}");
    }

    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    let mut group = criterion.benchmark_group("sql-count");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("by-hand", |bench| bench.iter(|| black_box(by_hand(&log))));
    for (name, columns, chunk_rows) in variants {
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(sql(&log, &query, &graph, columns, chunk_rows)));
        });
    }
    group.finish();
    criterion.final_summary();
}

//! SQL that is stopped anywhere and started again: views and what was written are as if nothing had happened.
//!
//! Checkpoints and output lie on a disk that loses in a power cut what nobody has synced, and runs are cut off between any two
//! events of the stepper. The run that goes on has another number of workers, and another order of its tasks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use std::collections::BTreeMap;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::Log;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use run::{CRASHED, Drive, Ends, How, Ran, World, run, try_run};

/// Totals that are updated, totals of totals, all rows, and windows: the last two are written, the first two kept in views.
const SQL: &str = "
    CREATE TABLE orders (m STRING, n BIGINT, ts BIGINT, at AS TO_TIMESTAMP_LTZ(ts, 3),
        WATERMARK FOR at AS at - INTERVAL '1' SECOND)
    WITH ('connector' = 'kafka', 'topic' = 'orders', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');
    CREATE TABLE large (m STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'large', 'format' = 'csv');
    CREATE TABLE windows (m STRING, start TIMESTAMP_LTZ(3), n BIGINT, most BIGINT)
    WITH ('connector' = 'filesystem', 'path' = 'windows', 'format' = 'json');

    CREATE MATERIALIZED VIEW totals AS SELECT m, COUNT(*) AS c, SUM(n) AS s, MAX(n) AS x FROM orders GROUP BY m;
    CREATE MATERIALIZED VIEW often AS
        SELECT c, COUNT(*) AS merchants FROM (SELECT m, COUNT(*) AS c FROM orders GROUP BY m) AS inside GROUP BY c;
    INSERT INTO large SELECT m, n FROM orders WHERE n > 60;
    INSERT INTO windows SELECT m, window_start, COUNT(*), MAX(n)
        FROM TABLE(HOP(TABLE orders, DESCRIPTOR(at), INTERVAL '1' SECOND, INTERVAL '2' SECOND))
        GROUP BY m, window_start, window_end;
    SELECT COUNT(*), SUM(n) FROM orders;
";

/// The merchant, number and time of an order: in disorder, but less than the watermark allows.
fn order(number: i64) -> (i64, i64, i64) {
    let ts = number * 100 + (number * 37 % 10) * 90;
    (number * 5 % 7, number * 31 % 97, ts)
}

/// Orders of seven merchants in three partitions.
fn orders() -> Log {
    let log = Log::new("orders", 3);
    for number in 0..90 {
        let (m, n, ts) = order(number);
        let record = format!(r#"{{"m":"m-{m}","n":{n},"ts":{ts}}}"#);
        log.append((number % 3) as usize, None, Some(record.as_bytes()), None);
    }
    log
}

/// The windows of all orders, as they are to be written.
fn windows_of_orders() -> Vec<String> {
    let mut windows: BTreeMap<(i64, i64), (u64, i64)> = BTreeMap::new();
    for (m, n, ts) in (0..90).map(order) {
        let second = ts / 1_000;
        for start in [second - 1, second] {
            let window = windows.entry((m, start)).or_insert((0, n));
            *window = (window.0 + 1, window.1.max(n));
        }
    }
    let line = |((m, start), (n, most)): (&(i64, i64), &(u64, i64))| {
        let start = match start {
            -1 => "1969-12-31 23:59:59Z".to_string(),
            start => format!("1970-01-01 00:00:{start:02}Z"),
        };
        format!(r#"{{"m":"m-{m}","start":"{start}","n":{n},"most":{most}}}"#)
    };
    let mut lines: Vec<String> = windows.iter().map(line).collect();
    lines.sort();
    lines
}

fn world() -> World {
    World::new().and("orders", orders()).with_checkpoints()
}

fn how(seed: u64, workers: usize, sources: usize, ends: Ends) -> How {
    How {
        workers,
        sources,
        drive: Drive::Stepper(seed),
        packets: (7, 2),
        poll: 2,
        ends,
        ..How::default()
    }
}

/// Views, and lines of both tables, sorted.
type CameOut = (Vec<(String, Vec<String>)>, Vec<String>, Vec<String>);

fn came_out(ran: &Ran, world: &World) -> CameOut {
    let sorted = |table| {
        let mut lines = world.lines(table);
        lines.sort();
        lines
    };
    (ran.shown.clone(), sorted("large"), sorted("windows"))
}

#[test]
fn checkpoints_change_nothing() {
    let mut without = World::new().and("orders", orders());
    let ran = run(SQL, &mut without, How::default());
    let expected = came_out(&ran, &without);
    assert_eq!(ran.stats.dropped, Default::default(), "no row is late");
    let lines = windows_of_orders();
    assert_eq!(expected.2, lines, "what a loop over all orders finds");
    for seed in 0..20 {
        for (workers, sources) in [(1, 1), (2, 3), (3, 2)] {
            let mut world = world();
            let ran = run(SQL, &mut world, how(seed, workers, sources, Ends::AtTheEnd));
            assert_eq!(came_out(&ran, &world), expected, "seed {seed}");
        }
    }
}

/// Every ninth moment of a run, with a power cut or without; the next test chooses at random.
#[test]
fn a_crash_at_any_moment_shows_in_nothing() {
    let mut undisturbed = world();
    let ran = run(SQL, &mut undisturbed, how(0, 2, 2, Ends::AtTheEnd));
    let expected = came_out(&ran, &undisturbed);
    let (mut crashes, mut resumed) = (0, 0);
    for after in (0..ran.events).step_by(ran.events / 60) {
        let mut world = world();
        let crashed = try_run(SQL, &mut world, how(0, 2, 2, Ends::Crashes(after)));
        assert_eq!(crashed, Err(CRASHED.to_string()));
        crashes += 1;
        let mut random = ChaCha8Rng::seed_from_u64(after as u64);
        world.disks().for_each(|disk| disk.crash(&mut random));
        let again = run(
            SQL,
            &mut world,
            how(after as u64, 1 + after % 3, 1 + after % 2, Ends::AtTheEnd),
        );
        assert_eq!(came_out(&again, &world), expected, "after {after} events");
        resumed += usize::from(again.read < ran.read);
    }
    // A run that begins anew each time would pass as well, so say that it does not.
    assert!(
        crashes > 50 && resumed * 2 > crashes,
        "{resumed} of {crashes} went on from a checkpoint"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    /// Several ends, one after the other: by power cuts, and by Ctrl-C.
    #[test]
    fn any_number_of_ends_shows_in_nothing(
        ends in prop::collection::vec((0..400_usize, any::<bool>(), any::<u64>(), 1..4_usize, 1..4_usize), 0..5),
        last: u64,
    ) {
        let mut undisturbed = world();
        let ran = run(SQL, &mut undisturbed, How::default());
        let expected = came_out(&ran, &undisturbed);
        let mut world = world();
        for (after, crashes, seed, workers, sources) in ends {
            let ends = if crashes { Ends::Crashes(after) } else { Ends::Suspends(after) };
            match try_run(SQL, &mut world, how(seed, workers, sources, ends)) {
                Ok(_) => {}
                Err(error) => prop_assert_eq!(error, CRASHED),
            }
            if crashes {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                world.disks().for_each(|disk| disk.crash(&mut random));
            }
        }
        let ran = run(SQL, &mut world, how(last, 2, 2, Ends::AtTheEnd));
        prop_assert_eq!(came_out(&ran, &world), expected);
    }
}

/// Whoever presses Ctrl-C sees all that was read, in views and in files, and nothing of windows that are open.
#[test]
fn a_run_that_is_suspended_has_written_what_it_has_read() {
    let mut undisturbed = world();
    let whole = run(SQL, &mut undisturbed, How::default());
    for after in [50, 120, 200, 300] {
        let mut world = world();
        let ran = run(SQL, &mut world, how(3, 2, 2, Ends::Suspends(after)));
        assert!(ran.read < whole.read, "it was stopped on its way");
        let windows = world.lines("windows");
        let all = undisturbed.lines("windows");
        assert!(
            windows.iter().all(|window| all.contains(window)),
            "only windows that are complete"
        );
        let (read, sum) = ran.shown.last().unwrap().1[0].split_once(", ").unwrap();
        let again = run(SQL, &mut world, how(after as u64, 3, 1, Ends::AtTheEnd));
        assert_eq!(
            came_out(&again, &world),
            came_out(&whole, &undisturbed),
            "suspended after {after}, {read} orders with {sum}"
        );
        assert_eq!(again.read + ran.read, whole.read, "no record is read twice");
    }
}

#[test]
fn a_run_that_fails_goes_on_where_it_was_sound() {
    let with_a_bad_one = || {
        let log = orders();
        log.append(1, None, Some(b"oops"), None);
        log.append(1, None, Some(br#"{"m":"m-1","n":96,"ts":9999}"#), None);
        World::new().and("orders", log).with_checkpoints()
    };
    let skip = |how: How| How {
        on_bad_record: OnBadRecord::Skip,
        ..how
    };
    let mut undisturbed = with_a_bad_one();
    let ran = run(SQL, &mut undisturbed, skip(How::default()));
    let expected = came_out(&ran, &undisturbed);
    for seed in 0..10 {
        let mut world = with_a_bad_one();
        let error = try_run(SQL, &mut world, how(seed, 2, 1, Ends::AtTheEnd)).expect_err("an error");
        assert!(error.contains("orders/1@30: not JSON"), "{error}");
        let again = run(SQL, &mut world, skip(how(seed, 1, 3, Ends::AtTheEnd)));
        assert_eq!(came_out(&again, &world), expected, "seed {seed}");
    }
}

/// State belongs to the query that has saved it.
#[test]
fn the_checkpoint_of_other_sql_is_refused() {
    let mut world = world();
    run(SQL, &mut world, how(1, 2, 2, Ends::Suspends(300)));
    #[rustfmt::skip]
    let table = [
        ("SUM(n) AS s",                   "SUM(n + 1) AS s",            "the query of totals was another one"),
        ("INTERVAL '1' SECOND, INTERVAL", "INTERVAL '2' SECOND, INTERVAL", "the query of windows was another one"),
        ("INSERT INTO large SELECT m, n FROM orders WHERE n > 60;", "", "there was a query more"),
    ];
    for (was, is, said) in table {
        let changed = SQL.replace(was, is);
        assert_ne!(changed, SQL);
        let error = try_run(&changed, &mut world, How::default()).expect_err("an error");
        assert!(
            error.starts_with("cannot restore the saved state: ") && error.contains(said),
            "{error}"
        );
    }
    // Nothing was harmed, and neither white space nor another query beside the others means a change.
    let more = SQL.replace('\n', "\n  -- the same\n")
        + "CREATE MATERIALIZED VIEW more AS SELECT COUNT(*) AS n FROM orders;";
    let ran = run(&more, &mut world, How::default());
    let mut undisturbed = World::new().and("orders", orders());
    let expected = run(SQL, &mut undisturbed, How::default());
    let (last, before) = ran.shown.split_last().unwrap();
    assert_eq!(before, expected.shown);
    assert_eq!(last.1, ["90"], "a new query begins at the beginning");
}

/// Two queries that are the same keep their states apart.
#[test]
fn equal_queries_have_states_of_their_own() {
    let (tables, _) = SQL.split_once("CREATE MATERIALIZED").unwrap();
    let same = "SELECT m, COUNT(*) FROM orders GROUP BY m;";
    let sql = format!("{tables}{same}{same}");
    let mut undisturbed = World::new().and("orders", orders());
    let expected = run(&sql, &mut undisturbed, How::default()).shown;
    assert_eq!(expected[0], expected[1]);
    let mut world = world();
    let suspended = run(&sql, &mut world, how(1, 2, 2, Ends::Suspends(60)));
    assert_ne!(suspended.shown, expected);
    assert_eq!(
        run(&sql, &mut world, how(2, 3, 2, Ends::AtTheEnd)).shown,
        expected
    );
}

/// A single value for all rows comes out once, also after a restart before the first row.
#[test]
fn a_count_of_everything_is_there_once_after_a_restart() {
    let (tables, _) = SQL.split_once("CREATE MATERIALIZED").unwrap();
    let sql = format!(
        "{tables} CREATE MATERIALIZED VIEW v AS SELECT COUNT(*) AS n, MIN(n) AS least FROM orders WHERE n > 1000;"
    );
    for after in [0, 5, 20, 60] {
        let mut world = world();
        run(&sql, &mut world, how(1, 3, 2, Ends::Suspends(after)));
        let ran = run(&sql, &mut world, how(2, 2, 1, Ends::AtTheEnd));
        assert_eq!(ran.rows(), ["0, null"], "after {after}");
    }
}

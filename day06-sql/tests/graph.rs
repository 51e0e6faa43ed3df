//! Several queries as one graph: shared scans, views over views, joins, and what all views show at any moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod run;

use std::cell::RefCell;
use std::collections::BTreeMap;

use day01_consumer::lab::log::Log;
use day06_sql::value::Scalar;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use run::{CRASHED, Drive, Ends, How, World, run, try_run, ways};

/// Money goes from one account to another. What has come to an account less what has left it is its balance, and all balances
/// add up to nothing: no money is made.
const BANK: &str = day06_sql::lab::balances::SQL;

const ACCOUNTS: i64 = 8;

/// Every account pays and is paid in the first transfers, so that it is in the join from then on.
fn transfer(number: i64) -> (i64, i64, i64) {
    let payer = number % ACCOUNTS;
    let payee = match number < ACCOUNTS {
        true => (payer + 1) % ACCOUNTS,
        false => number * 5 % ACCOUNTS,
    };
    (payer, payee, number * 7 % 23 + 1)
}

fn transfers(many: i64) -> Log {
    let log = Log::new("transfers", 3);
    for number in 0..many {
        let (payer, payee, amount) = transfer(number);
        let record = format!(r#"{{"payer":{payer},"payee":{payee},"amount":{amount}}}"#);
        log.append((number % 3) as usize, None, Some(record.as_bytes()), None);
    }
    log
}

fn balances(many: i64) -> Vec<String> {
    let mut balances: BTreeMap<i64, i64> = BTreeMap::new();
    for (payer, payee, amount) in (0..many).map(transfer) {
        *balances.entry(payee).or_default() += amount;
        *balances.entry(payer).or_default() -= amount;
    }
    let row = |(account, balance): (&i64, &i64)| format!("{account}, {balance}");
    balances.iter().map(row).collect()
}

fn bank() -> World {
    World::new().and("transfers", transfers(120))
}

fn stepped(seed: u64, workers: usize, ends: Ends) -> How {
    How {
        workers,
        sources: 2,
        drive: Drive::Stepper(seed),
        packets: (3, 2),
        poll: 2,
        ends,
        ..How::default()
    }
}

/// The accounts that have paid and those that were paid, and what all their balances come to.
fn sum_of(views: &[Vec<Vec<Scalar>>]) -> Option<i64> {
    let [credits, debits, balances, total] = views else {
        return None;
    };
    let sum = |of: &[Vec<Scalar>], column: usize| {
        let numbers = of.iter().map(|row| row[column].to_string().parse::<i64>());
        numbers.sum::<Result<i64, _>>().expect("a whole number")
    };
    // In every epoch the four views say the same, whether or not the first transfers have all come.
    if credits.len() == ACCOUNTS as usize && debits.len() == ACCOUNTS as usize {
        assert_eq!(sum(credits, 1), sum(debits, 1), "what was paid was received");
        assert_eq!(balances.len(), ACCOUNTS as usize);
        assert_eq!(
            sum(balances, 1),
            sum(total, 0),
            "the total is that of the balances"
        );
        return Some(sum(total, 0));
    }
    None
}

fn never_another_total(views: &[Vec<Vec<Scalar>>]) {
    assert!(matches!(sum_of(views), None | Some(0)));
}

#[test]
fn whoever_looks_sees_no_money_made_whenever_it_is() {
    for seed in 0..6 {
        for workers in 1..=3 {
            let how = How {
                looks: Some(never_another_total),
                ..stepped(seed, workers, Ends::AtTheEnd)
            };
            let ran = run(BANK, &mut bank(), how);
            assert_eq!(ran.shown[2].1, balances(120), "seed {seed}, {workers} workers");
            assert_eq!(ran.shown[3].1, ["0"]);
        }
    }
}

thread_local! {
    /// The totals of all balances that were to be seen, one after the other.
    static SEEN: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
}

fn note_totals(views: &[Vec<Vec<Scalar>>]) {
    let total = views.get(3).and_then(|total| total.first());
    if let Some(total) = total.and_then(|row| row[0].to_string().parse().ok()) {
        SEEN.with_borrow_mut(|seen| {
            if seen.last() != Some(&total) {
                seen.push(total);
            }
        });
    }
}

/// The wrong answer: each view shows a change as soon as it has come to it, as most engines do.
#[test]
fn views_without_epochs_show_totals_that_were_never_true() {
    let how = How {
        shown_at_once: true,
        looks: Some(note_totals),
        ..stepped(0, 1, Ends::AtTheEnd)
    };
    let ran = run(BANK, &mut bank(), how);
    assert_eq!(ran.shown[3].1, ["0"], "at the end it is right");
    let seen = SEEN.take();
    let wrong = seen.iter().filter(|total| **total != 0).count();
    assert!(wrong > 10, "{seen:?}");
    insta::assert_snapshot!(format!("{:?} and {} more", &seen[..10], seen.len() - 10), @"[9, 2, -12, -37, -19, -5, -28, -44, 0, -36] and 107 more");
}

#[test]
fn the_graph_gives_the_same_in_every_way_to_run_it() {
    for how in ways() {
        let ran = run(BANK, &mut bank(), how);
        assert_eq!(ran.shown[2].1, balances(120), "{how:?}");
        assert_eq!(ran.shown[3].1, ["0"], "{how:?}");
    }
}

#[test]
fn kills_and_restores_with_other_workers_show_in_nothing() {
    let events = run(BANK, &mut bank(), stepped(0, 2, Ends::AtTheEnd)).events;
    for after in (0..events).step_by(events / 40) {
        let mut world = bank().with_checkpoints();
        let crashed = try_run(BANK, &mut world, stepped(0, 2, Ends::Crashes(after)));
        assert_eq!(crashed, Err(CRASHED.to_string()));
        let mut random = ChaCha8Rng::seed_from_u64(after as u64);
        world.disks().for_each(|disk| disk.crash(&mut random));
        let how = How {
            looks: Some(never_another_total),
            ..stepped(after as u64, 1 + after % 3, Ends::AtTheEnd)
        };
        let ran = run(BANK, &mut world, how);
        assert_eq!(ran.shown[2].1, balances(120), "after {after}");
        assert_eq!(ran.shown[3].1, ["0"], "after {after}");
    }
}

#[test]
fn a_table_is_read_once_for_all_queries_that_read_it() {
    let ran = run(BANK, &mut bank(), How::default());
    assert_eq!(ran.read, 120);
}

#[test]
fn a_query_that_is_added_to_a_program_misses_nothing() {
    let more = "
        CREATE MATERIALIZED VIEW largest AS SELECT MAX(amount) AS most, COUNT(*) AS n FROM transfers;
        CREATE MATERIALIZED VIEW rich AS SELECT account FROM credits WHERE credits > 200;
    ";
    let both = format!("{BANK}{more}");
    let expected = run(&both, &mut bank(), How::default()).shown;
    for after in [40, 150, 400, usize::MAX] {
        let mut world = bank().with_checkpoints();
        let ends = match after {
            usize::MAX => Ends::AtTheEnd,
            after => Ends::Suspends(after),
        };
        run(BANK, &mut world, stepped(1, 2, ends));
        // It is suspended and taken up again, with the new queries as old ones.
        run(&both, &mut world, stepped(2, 3, Ends::Suspends(60)));
        let ran = run(&both, &mut world, stepped(3, 1, Ends::AtTheEnd));
        assert_eq!(ran.shown, expected, "after {after}");
    }
}

#[test]
fn a_query_that_is_taken_away_is_an_error() {
    let mut world = bank().with_checkpoints();
    run(BANK, &mut world, stepped(1, 2, Ends::Suspends(100)));
    let without = BANK.replace(
        "CREATE MATERIALIZED VIEW total AS SELECT SUM(balance) AS total FROM balances;",
        "",
    );
    let error = try_run(&without, &mut world, How::default()).expect_err("an error");
    assert!(error.contains("there was a query more, total, when"), "{error}");
}

#[test]
fn several_inserts_write_to_one_table() {
    let sql = "
        CREATE TABLE transfers (payer BIGINT, payee BIGINT, amount BIGINT)
        WITH ('connector' = 'kafka', 'topic' = 'transfers', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');
        CREATE TABLE moves (account BIGINT, amount BIGINT) WITH ('connector' = 'filesystem', 'path' = 'moves', 'format' = 'csv');
        INSERT INTO moves SELECT payee, amount FROM transfers;
        INSERT INTO moves SELECT payer, -amount FROM transfers;
        CREATE MATERIALIZED VIEW moved AS
            SELECT account, SUM(amount) AS balance FROM (
                SELECT payee AS account, amount FROM transfers UNION ALL SELECT payer, -amount FROM transfers
            ) GROUP BY account;
    ";
    let mut world = bank();
    let ran = run(sql, &mut world, How::default());
    assert_eq!(ran.rows(), balances(120));
    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    let lines = world.lines("moves");
    for line in &lines {
        let (account, amount) = line.split_once(',').unwrap();
        *sums.entry(account.parse().unwrap()).or_default() += amount.parse::<i64>().unwrap();
    }
    assert_eq!(lines.len(), 240);
    let rows: Vec<String> = sums
        .iter()
        .map(|(account, sum)| format!("{account}, {sum}"))
        .collect();
    assert_eq!(rows, balances(120));
}

/// A window that closed with the input does not open again, also if it is new and only the view that it reads is old.
#[test]
fn a_window_over_an_old_view_is_not_late_in_silence() {
    let sql = "
        CREATE TABLE t (k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
        WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');
        CREATE MATERIALIZED VIEW m AS SELECT k, ts FROM t;";
    let more = format!(
        "{sql} CREATE MATERIALIZED VIEW w AS
            SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE m, DESCRIPTOR(ts), INTERVAL '10' SECOND))
            GROUP BY window_start, window_end;"
    );
    let log = Log::new("t", 1);
    log.append(0, None, Some(br#"{"k":"a","ts":"2026-01-01 00:00:01"}"#), None);
    let mut world = World::new().and("t", log.clone()).with_checkpoints();
    run(sql, &mut world, How::default());
    // Without anything new, the window is that of the rows that the view has.
    let ran = run(&more, &mut world.clone(), How::default());
    assert_eq!(ran.shown[1].1, ["2026-01-01T00:00, 1"]);
    log.append(0, None, Some(br#"{"k":"a","ts":"2026-01-01 00:00:21"}"#), None);
    let error = try_run(&more, &mut world, How::default()).expect_err("an error");
    assert!(
        error.contains("was added after the job had come to the end of its input"),
        "{error}"
    );
}

/// What a view hands over to a new reader is what its changes will take back, to the last digit.
#[test]
fn a_view_hands_over_the_digits_that_it_was_given() {
    let sql = "
        CREATE TABLE t (k INT, d DECIMAL)
        WITH ('connector' = 'kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'memory', 'format' = 'json');
        CREATE MATERIALIZED VIEW m AS SELECT s FROM (SELECT k, SUM(d) AS s FROM t GROUP BY k);";
    let more =
        format!("{sql} CREATE MATERIALIZED VIEW n AS SELECT COUNT(*) AS c FROM m JOIN t ON m.s = t.k;");
    let log = Log::new("t", 1);
    for record in [r#"{"k":1,"d":1.0}"#, r#"{"k":2,"d":1.00}"#] {
        log.append(0, None, Some(record.as_bytes()), None);
    }
    let mut world = World::new().and("t", log.clone()).with_checkpoints();
    run(sql, &mut world, How::default());
    run(&more, &mut world, How::default());
    log.append(0, None, Some(br#"{"k":2,"d":1}"#), None);
    let ran = run(&more, &mut world, How::default());
    let fresh = run(&more, &mut World::new().and("t", log), How::default());
    assert_eq!(ran.shown, fresh.shown);
    assert_eq!(ran.shown[1].1, ["3"]);
}

#[test]
fn a_join_may_have_any_number_of_keys() {
    let sql = BANK
        .split_once("CREATE MATERIALIZED")
        .map(|(table, _)| table)
        .unwrap()
        .to_string()
        + "SELECT COUNT(*) FROM transfers AS a
           JOIN transfers AS b ON a.payer = b.payer AND a.payee = b.payee AND a.amount = b.amount;
           SELECT COUNT(*) FROM transfers AS a JOIN transfers AS b USING (payer, payee, amount);";
    let pairs = |one: (i64, i64, i64)| (0..120).map(transfer).filter(|other| *other == one).count();
    let expected: usize = (0..120).map(transfer).map(pairs).sum();
    let ran = run(&sql, &mut bank(), How::default());
    assert_eq!(ran.shown[0].1, [expected.to_string()]);
    assert_eq!(ran.shown[1].1, [expected.to_string()]);
}

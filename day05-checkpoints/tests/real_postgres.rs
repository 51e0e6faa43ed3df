//! The PostgreSQL target on a real PostgreSQL: crashes between any two steps, zombies, connections that are lost, a server
//! that restarts, and the program, killed again and again.
//!
//! ```text
//! .ci/postgres up --port 15432 --dir /tmp/postgres
//! export POSTGRES_PORT=15432 POSTGRES_DIR=/tmp/postgres
//! cargo test -p day05-checkpoints --test real_postgres -- --ignored --test-threads 1
//! ```
//!
//! One test at a time, because one of them stops the server. Each makes tables of its own and leaves them behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod killed;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::env;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use day05_checkpoints::sink::encoded::{Encoded, Rows};
use day05_checkpoints::sink::postgres::{Column, PostgresError, PostgresOptions, PostgresTarget};
use day05_checkpoints::sink::target::{LastPublished, Published, Target};
use postgres::{Client, NoTls};

use killed::{Lives, until_it_ends};
use orders::{csv, ordered, rows};
use program::Folder;

/// As `.ci/postgres` sets it.
const PASSWORD: &str = "not-a-secret";
/// Rows of an epoch.
const ROWS: u64 = 20;
/// Mark, send, commit.
const STEPS: u64 = 3;

fn port() -> String {
    env::var("POSTGRES_PORT").expect("POSTGRES_PORT: see the top of this file")
}

fn url() -> String {
    format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/postgres", port())
}

fn server(action: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/postgres");
    let folder = env::var("POSTGRES_DIR").expect("POSTGRES_DIR: see the top of this file");
    let status = Command::new(script)
        .args([action, "--port", &port(), "--dir", &folder])
        .status();
    assert!(status.unwrap().success(), "{action}");
}

/// With TLS, by the name in the certificate.
fn tls_url(options: &str) -> String {
    let url = url().replace("127.0.0.1", "localhost");
    format!("{url}?{options}")
}

/// The file with the certificate, which is signed by itself, as `.ci/postgres` makes it.
fn certificate() -> String {
    let folder = env::var("POSTGRES_DIR").expect("POSTGRES_DIR: see the top of this file");
    format!("{folder}/server.crt")
}

/// Lets the server speak TLS, or not, from the next connection on.
fn set_tls(on: bool) {
    let on = if on { "on" } else { "off" };
    client()
        .batch_execute(&format!("ALTER SYSTEM SET ssl = {on}"))
        .unwrap();
    client().batch_execute("SELECT pg_reload_conf()").unwrap();
    while client().query_one("SHOW ssl", &[]).unwrap().get::<_, &str>(0) != on {}
}

fn client() -> Client {
    Client::connect(&url(), NoTls).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test against a server of its own")]
fn unused_name(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{what}_{}", now.as_nanos())
}

fn columns() -> Vec<Column> {
    let column = |name: &str, sql_type, is_key| Column {
        name: name.to_string(),
        sql_type,
        is_key,
    };
    vec![
        column("id", "text", true),
        column("at", "timestamp with time zone", true),
        column("n", "bigint", false),
        column("amount", "numeric", false),
    ]
}

fn options(table: &str) -> PostgresOptions {
    PostgresOptions::new(&url(), table, table, columns()).unwrap()
}

fn new_sink(what: &str) -> PostgresOptions {
    options(&unused_name(what))
}

fn open(options: &PostgresOptions) -> PostgresTarget {
    PostgresTarget::open(options.clone()).unwrap()
}

/// A row; `n` is what a later one replaces.
fn push(rows: &mut Encoded, id: &str, n: u64) {
    let row = format!(r#"{{"id":"{id}","at":"2026-01-01T00:00:00.000Z","n":{n},"amount":{n}.50}}"#);
    rows.push(Some(id.as_bytes()), row.as_bytes());
}

/// The rows that an epoch of this number always has: those of its own, and one that each epoch replaces.
fn epoch(number: u64) -> Rows {
    let mut rows = Encoded::default();
    push(&mut rows, "last", number);
    (0..ROWS).for_each(|row| push(&mut rows, &format!("{number}-{row}"), row));
    rows.into()
}

fn asked(target: &mut PostgresTarget, epochs: &[u64]) -> LastPublished {
    loop {
        match target.last_out(epochs).unwrap() {
            LastPublished::Pending => {}
            known => return known,
        }
    }
}

/// A run that goes on behind `last`.
fn started(options: &PostgresOptions, last: u64) -> PostgresTarget {
    let mut target = open(options);
    assert_eq!(asked(&mut target, &[last, last + 1]), LastPublished::UpTo(last));
    target
}

fn publish(target: &mut PostgresTarget, number: u64) {
    let rows = epoch(number);
    while target.publish(number, &rows).unwrap() != Published::Done {}
}

fn first_error(target: &mut PostgresTarget, number: u64) -> PostgresError {
    let rows = epoch(number);
    loop {
        match target.publish(number, &rows) {
            Ok(published) => assert_ne!(published, Published::Done),
            Err(error) => return *error.downcast().unwrap(),
        }
    }
}

/// The table must hold what all epochs up to this one come to.
fn check(options: &PostgresOptions, last: u64) {
    let sql = format!(
        "SELECT id, n, amount::text FROM {} ORDER BY id COLLATE \"C\"",
        options.table
    );
    let found: Vec<(String, i64, String)> = client()
        .query(&sql, &[])
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let mut right: Vec<(String, i64, String)> = (1..=last)
        .flat_map(|epoch| (0..ROWS).map(move |row| (format!("{epoch}-{row}"), row)))
        .chain((last > 0).then_some(("last".to_string(), last)))
        .map(|(id, n)| (id, n as i64, format!("{n}.50")))
        .collect();
    right.sort();
    assert_eq!(found, right);
}

/// Runs a test for each number of steps after which the first run may stop in its second epoch.
fn after_each_step(what: &str, test: impl Fn(&PostgresOptions, PostgresTarget, bool)) {
    for steps in 0..=STEPS {
        let options = new_sink(what);
        let mut first = started(&options, 0);
        publish(&mut first, 1);
        let rows = epoch(2);
        let taken: Vec<Published> = (0..steps).map(|_| first.publish(2, &rows).unwrap()).collect();
        let done = taken.last() == Some(&Published::Done);
        assert_eq!(done, steps == STEPS, "{taken:?}");
        test(&options, first, done);
    }
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn an_epoch_is_there_once_and_whole_and_the_next_run_knows() {
    let options = new_sink("once");
    let mut target = started(&options, 0);
    for number in 1..=3 {
        check(&options, number - 1);
        publish(&mut target, number);
        check(&options, number);
    }
    let said = format!(
        "PostgreSQL table {} in database postgres at 127.0.0.1:{}, exactly once",
        options.table,
        port()
    );
    assert_eq!(target.describe(), said);
    for epochs in [[2, 3].as_slice(), &[3, 4], &[1, 2, 3, 4]] {
        assert_eq!(
            asked(&mut open(&options), epochs),
            LastPublished::UpTo(3),
            "{epochs:?}"
        );
    }
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn nothing_is_there_before_the_commit_and_an_epoch_without_rows_moves_the_mark() {
    let options = new_sink("unseen");
    let mut target = started(&options, 0);
    let rows = epoch(1);
    while target.publish(1, &rows).unwrap() != Published::Done {
        check(&options, 0);
    }
    check(&options, 1);
    while target.publish(2, &Rows::default()).unwrap() != Published::Done {}
    assert_eq!(asked(&mut open(&options), &[1, 2]), LastPublished::UpTo(2));
    check(&options, 1);
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_row_replaces_the_one_of_its_key_within_an_epoch_and_in_a_later_one() {
    let options = new_sink("replaced");
    let mut target = started(&options, 0);
    for (number, values) in [(1, [3, 1, 2]), (2, [9, 8, 7])] {
        let mut rows = Encoded::default();
        values
            .iter()
            .for_each(|n| push(&mut rows, "it's \\\"quoted\\\"", *n));
        let rows = Rows::from(rows);
        while target.publish(number, &rows).unwrap() != Published::Done {}
        let sql = format!("SELECT id, n FROM {}", options.table);
        let row = client().query_one(&sql, &[]).unwrap();
        assert_eq!(row.get::<_, &str>(0), "it's \"quoted\"");
        assert_eq!(row.get::<_, i64>(1), values[2] as i64, "the last one");
    }
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_large_epoch_arrives() {
    const MANY: u64 = 100_000;
    let options = new_sink("large");
    let mut target = started(&options, 0);
    let mut rows = Encoded::default();
    (0..MANY).for_each(|row| push(&mut rows, &format!("{row:0>40}"), row));
    let rows = Rows::from(rows);
    while target.publish(1, &rows).unwrap() != Published::Done {}
    let sql = format!("SELECT count(*), sum(n)::bigint FROM {}", options.table);
    let row = client().query_one(&sql, &[]).unwrap();
    let sum = MANY * (MANY - 1) / 2;
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (MANY as i64, sum as i64)
    );
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_crash_after_any_step_loses_and_doubles_nothing() {
    after_each_step("crash", |options, first, done| {
        drop(first);
        let mut second = open(options);
        let known = asked(&mut second, &[1, 2]);
        assert_eq!(known, LastPublished::UpTo(if done { 2 } else { 1 }));
        if !done {
            check(options, 1);
            publish(&mut second, 2);
        }
        publish(&mut second, 3);
        check(options, 3);
    });
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_zombie_is_shut_out_after_any_step_and_harms_nobody() {
    after_each_step("zombie", |options, mut zombie, done| {
        // What it holds locked is given back when its server process notices, here: when it is ended.
        client()
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'",
                &[],
            )
            .unwrap();
        let mut second = open(options);
        if asked(&mut second, &[1, 2]) == LastPublished::UpTo(1) {
            publish(&mut second, 2);
        }
        let next = if done { 3 } else { 2 };
        let error = first_error(&mut zombie, next);
        assert!(
            matches!(error, PostgresError::OutOfStep { epoch, .. } if epoch == next),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(
            text.contains("another run has taken over as sink zombie_"),
            "{text}"
        );
        publish(&mut second, 3);
        check(options, 3);
    });
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn of_two_runs_both_say_that_the_newer_one_has_taken_over() {
    let options = new_sink("two");
    let mut first = started(&options, 0);
    assert_eq!(first.take_warning(), None, "it is alone");
    publish(&mut first, 1);
    let mut refused = open(&options);
    assert!(matches!(asked(&mut refused, &[5, 6]), LastPublished::Unknown(_)));
    assert_eq!(refused.take_warning(), None, "it has taken nothing over");
    drop(refused);
    publish(&mut first, 2);

    let mut second = started(&options, 2);
    let newer = second.take_warning().expect("the other run is connected");
    let table = &options.table;
    assert!(
        newer.starts_with(&format!("run 2 has taken over table {table} in")),
        "{newer}"
    );
    assert!(newer.contains("it ends with its next epoch"), "{newer}");
    let older = first_error(&mut first, 3).to_string();
    assert!(
        older.contains(&format!("another run has taken over as sink {table}")),
        "{older}"
    );
    assert!(
        !newer.contains(PASSWORD) && !older.contains(PASSWORD),
        "{newer} {older}"
    );
    publish(&mut second, 3);
    check(&options, 3);
}

/// The same with the program, whose two runs have directories of their own.
#[test]
#[ignore = "needs a PostgreSQL"]
fn of_two_programs_that_write_as_one_sink_the_newer_one_goes_on() {
    let (table, folder, orders) = (unused_name("programs"), Folder::new(), ordered(5_000, 7));
    let start = |directory: &str, run: i64| {
        // The only checkpoint is the last one: until then the mark fits both.
        let program = folder.start(&format!(
            "--file - --window tumble:10ms --checkpoint-dir {directory} --checkpoint-interval 1h --sink-table {table} \
             --sink {}",
            url()
        ));
        let sql = "SELECT count(*) FROM sink_epochs WHERE sink = $1 AND run = $2";
        let sink = format!("orders-to-{table}");
        let mut client = client();
        while client.query_one(sql, &[&sink, &run]).unwrap().get::<_, i64>(0) == 0 {}
        program
    };
    let (mut older, mut newer) = (start("a", 1), start("b", 2));
    older.write(&orders.concat());
    let older = older.finish();
    assert_eq!(older.code, 1, "{}", older.stderr);
    let said = format!("another run has taken over as sink orders-to-{table}");
    assert!(older.stderr.contains(&said), "{}", older.stderr);
    newer.write(&orders.concat());
    let newer = newer.finish();
    assert_eq!(newer.code, 0, "{}", newer.stderr);
    let said = format!("warning: run 2 has taken over table {table} in database postgres at ");
    assert_eq!(newer.stderr.matches(&said).count(), 1, "{}", newer.stderr);
    assert!(!newer.stderr.contains(PASSWORD), "{}", newer.stderr);
    let count = client().query_one(&format!("SELECT count(*) FROM {table}"), &[]);
    let right = csv("tumble:10ms".parse().unwrap(), &rows(&orders));
    assert_eq!(count.unwrap().get::<_, i64>(0) as usize, right.lines().count());
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_connection_may_be_lost_after_any_step() {
    after_each_step("lost", |options, mut target, done| {
        client()
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
                &[],
            )
            .unwrap();
        if !done {
            publish(&mut target, 2);
        }
        check(options, 2);
        publish(&mut target, 3);
        check(options, 3);
    });
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_server_may_restart_after_any_step() {
    after_each_step("restart", |options, mut target, done| {
        server("down");
        let rows = epoch(if done { 3 } else { 2 });
        for _ in 0..3 {
            let published = target.publish(if done { 3 } else { 2 }, &rows).unwrap();
            assert_eq!(published, Published::Again, "it is tried again");
        }
        server("up");
        if !done {
            publish(&mut target, 2);
        }
        publish(&mut target, 3);
        check(options, 3);
    });
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_run_that_is_refused_harms_no_other() {
    let options = new_sink("refused");
    let mut first = started(&options, 0);
    publish(&mut first, 1);
    publish(&mut first, 2);
    for (epochs, said) in [
        ([0].as_slice(), "up to epoch 2, and this run begins anew"),
        (&[0, 1], "up to epoch 2, and this run goes on from checkpoint 1"),
        (&[5, 6], "should say that sink"),
    ] {
        let LastPublished::Unknown(why) = asked(&mut open(&options), epochs) else {
            panic!("{epochs:?}");
        };
        assert!(why.contains(said) && why.contains(&options.name), "{why}");
        assert!(!why.contains(PASSWORD), "{why}");
    }
    publish(&mut first, 3);
    check(&options, 3);
    // A job that was somewhere else before is refused before it leaves a mark.
    let other = new_sink("unknown");
    assert!(matches!(
        asked(&mut open(&other), &[5, 6]),
        LastPublished::Unknown(_)
    ));
    assert_eq!(asked(&mut open(&other), &[0, 1]), LastPublished::UpTo(0));
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_table_that_does_not_fit_is_an_error_that_says_what_is_wrong() {
    #[rustfmt::skip]
    let cases = [
        ("id text, at timestamptz, n integer, amount numeric, PRIMARY KEY (id, at)",
         "column n has to be of type bigint, and the table has integer"),
        ("id text, at timestamptz, n bigint, PRIMARY KEY (id, at)",
         "column amount has to be of type numeric, and the table has no such column"),
        ("id text, at timestamptz, n bigint, amount numeric(10,2), PRIMARY KEY (id, at)",
         "column amount has to be of type numeric, and the table has numeric(10,2)"),
        ("id text, at timestamptz, n bigint, amount numeric, PRIMARY KEY (id)",
         "ADD PRIMARY KEY (\"id\", \"at\")"),
        ("id text, at timestamptz, n bigint, amount numeric, more text NOT NULL, PRIMARY KEY (id, at)",
         "its column more may not be NULL"),
    ];
    for (columns, said) in cases {
        let options = new_sink("unfit");
        client()
            .batch_execute(&format!("CREATE TABLE {} ({columns})", options.table))
            .unwrap();
        let error = PostgresTarget::open(options).err().expect(said).to_string();
        assert!(error.contains(said), "{error}");
    }
    // More columns do no harm, and a unique index is a key too.
    let options = new_sink("fit");
    let table = &options.table;
    client()
        .batch_execute(&format!(
            "CREATE TABLE {table} (amount numeric, n bigint, at timestamptz, id text, more text, inserted timestamptz NOT \
             NULL DEFAULT now()); CREATE UNIQUE INDEX ON {table} (at, id)"
        ))
        .unwrap();
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    check(&options, 1);
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_row_that_the_table_cannot_take_ends_the_run_and_the_epoch_before_stays() {
    let options = new_sink("bad");
    let mut target = started(&options, 0);
    publish(&mut target, 1);
    let mut rows = Encoded::default();
    rows.push(
        None,
        br#"{"id":"nul \u0000","at":"2026-01-01T00:00:00Z","n":1,"amount":1}"#,
    );
    let rows = Rows::from(rows);
    let error = loop {
        match target.publish(2, &rows) {
            Ok(published) => assert_ne!(published, Published::Done),
            Err(error) => break error.to_string(),
        }
    };
    let said = format!("cannot publish epoch 2 to table {}", options.table);
    assert!(
        error.starts_with(&said) && error.contains("unsupported Unicode"),
        "{error}"
    );
    check(&options, 1);
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_password_is_never_in_an_error() {
    let wrong = url().replace(PASSWORD, "wrong-and-secret");
    let away = "postgres://postgres:wrong-and-secret@127.0.0.1:1/postgres";
    let unknown = format!(
        "postgres://postgres:{PASSWORD}@127.0.0.1:{}/no_such_database",
        port()
    );
    for (url, said) in [
        (wrong.as_str(), "password authentication failed"),
        (away, "Connection refused"),
        (&unknown, "database \"no_such_database\" does not exist"),
    ] {
        let options = PostgresOptions::new(url, "t", "t", columns()).unwrap();
        let error = PostgresTarget::open(options).err().expect(said);
        let text = format!("{error} {error:?}");
        assert!(text.contains(said) && text.contains("127.0.0.1"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn rows_are_sent_with_tls_if_the_url_says_so() {
    set_tls(true);
    let root = certificate();
    #[rustfmt::skip]
    let modes = [
        ("sslmode=disable".to_string(),                            false),
        ("sslmode=prefer".to_string(),                             true),
        ("sslmode=require".to_string(),                            true),
        (format!("sslmode=require&sslrootcert={root}"),            true),
        (format!("sslmode=verify-ca&sslrootcert={root}"),          true),
        (format!("sslmode=verify-full&sslrootcert={root}"),        true),
    ];
    for (mode, encrypted) in modes {
        let table = unused_name("tls");
        let url = tls_url(&format!("{mode}&application_name={table}"));
        let options = PostgresOptions::new(&url, &table, &table, columns()).unwrap();
        let mut target = started(&options, 0);
        publish(&mut target, 1);
        check(&options, 1);
        let sql = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
        let row = client().query_one(sql, &[&table]).unwrap();
        assert_eq!(row.get::<_, bool>(0), encrypted, "{mode}");
    }
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn a_server_without_tls_or_with_a_wrong_certificate_is_an_error_that_says_what_to_do() {
    set_tls(true);
    let root = certificate();
    let refused = |url: &str| {
        let options = PostgresOptions::new(url, "t", "t", columns()).unwrap();
        let error = PostgresTarget::open(options).err().expect(url).to_string();
        assert!(!error.contains(PASSWORD), "{error}");
        error
    };
    let by_number = url() + "?sslmode=verify-full&sslrootcert=" + &root;
    for url in [
        tls_url("sslmode=verify-ca"),
        tls_url("sslmode=verify-full"),
        by_number,
    ] {
        let error = refused(&url);
        let said = "; its certificate has to be signed by an authority in sslrootcert=FILE";
        assert!(
            error.contains("certificate verify failed") && error.contains(said),
            "{error}"
        );
    }
    set_tls(false);
    for mode in ["sslmode=require", "sslmode=verify-full"] {
        let error = refused(&tls_url(mode));
        let said = "server does not support TLS; turn it on there (ssl = on), or say sslmode=disable";
        assert!(error.contains(said), "{error}");
    }
    let options = PostgresOptions::new(&tls_url("sslmode=prefer"), "t", "t", columns()).unwrap();
    assert!(PostgresTarget::open(options).is_ok(), "without TLS, then");
    set_tls(true);
}

/// The program reads a file, and is killed after some ten milliseconds more each time, until it comes to its end.
#[test]
#[ignore = "needs a PostgreSQL"]
fn each_window_is_in_the_table_once_however_often_the_program_is_killed() {
    const WINDOW: &str = "tumble:10ms";
    let (table, orders) = (unused_name("windows"), ordered(60_000, 7));
    let folder = Folder::with("orders.json", orders.concat());
    let sink = format!(
        "--file orders.json --window {WINDOW} --checkpoint-dir checkpoints --checkpoint-interval 20ms --workers 2 \
         --sink-table {table} --sink {}",
        url()
    );
    let lives = Lives {
        at_random: Duration::from_millis(200),
        more: Duration::from_millis(20),
    };
    let mut client = client();
    let last = until_it_ends(&folder, &sink, &lives, || {
        let exists = client
            .query_one("SELECT to_regclass($1) IS NOT NULL", &[&table])
            .unwrap();
        exists.get(0) && {
            let count = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]);
            count.unwrap().get::<_, i64>(0) > 0
        }
    });
    assert!(!last.stderr.contains(PASSWORD), "{}", last.stderr);
    let time =
        |column: &str| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
    let sql = format!(
        "SELECT concat_ws(',', merchant_id, {}, {}, order_count, amount_sum, amount_min, amount_max, amount_avg) FROM {table}",
        time("window_start"),
        time("window_end")
    );
    let found = client.query(&sql, &[]).unwrap();
    let mut found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let right = csv(WINDOW.parse().unwrap(), &rows(&orders));
    let mut right: Vec<String> = right.lines().map(str::to_string).collect();
    found.sort();
    right.sort();
    assert_eq!(found, right);
}

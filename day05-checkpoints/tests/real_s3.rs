//! Checkpoints in an object store with the API of S3, over HTTP: the program killed again and again, two runs on one place,
//! a server that hangs or is not there.
//!
//! ```text
//! .ci/s3 up --port 25000 --dir /tmp/s3
//! export S3_DIR=/tmp/s3 AWS_ENDPOINT=http://127.0.0.1:25000 AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
//! export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=not-shown-anywhere
//! cargo test -p day05-checkpoints --test real_s3 -- --ignored --test-threads 1
//! ```
//!
//! One test at a time, because one of them pauses the server. Each makes a bucket of its own and leaves it behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod killed;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use day05_checkpoints::disk::Disk;
use day05_checkpoints::object_folder::s3::Address;
use killed::{Lives, until_it_ends};
use orders::{csv, ordered, rows};
use program::Folder;

/// Makes a bucket.
fn new_bucket() -> String {
    let bucket = format!("bucket-{}", rand::random::<u64>());
    request("PUT", &format!("/{bucket}"));
    bucket
}

/// The answer to a request without a signature, which this server does not ask for.
fn request(method: &str, path: &str) -> String {
    let endpoint = env::var("AWS_ENDPOINT").expect("AWS_ENDPOINT: see the top of this file");
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
    answer
}

/// The keys of all objects of a bucket.
fn keys(bucket: &str) -> Vec<String> {
    let listed = request("GET", &format!("/{bucket}?list-type=2"));
    let keys = listed.split("<Key>").skip(1);
    keys.map(|key| key.split_once('<').unwrap().0.to_string())
        .collect()
}

fn address(bucket: &str) -> Address {
    format!("{bucket}/w").parse().unwrap()
}

/// The lines of all files of the result.
fn published(folder: &Folder) -> Vec<String> {
    let files = std::fs::read_dir(folder.path("out")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with("part-"));
    let mut lines: Vec<String> = files
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.lines().skip(1).map(str::to_string).collect::<Vec<_>>()
        })
        .collect();
    lines.sort();
    lines
}

#[test]
#[ignore = "needs an S3"]
fn each_window_is_published_once_however_often_the_program_is_killed() {
    const WINDOW: &str = "tumble:10ms";
    let (bucket, orders) = (new_bucket(), ordered(60_000, 7));
    let folder = Folder::with("orders.json", orders.concat());
    let args = format!(
        "--file orders.json --window {WINDOW} --checkpoint-dir s3://{bucket}/w --checkpoint-interval 20ms \
         --workers 2 --sink file:out --format csv"
    );
    let lives = Lives {
        at_random: Duration::from_millis(200),
        more: Duration::from_millis(25),
    };
    let has_checkpoint = || keys(&bucket).iter().any(|key| key.contains("checkpoint-"));
    until_it_ends(&folder, &args, &lives, has_checkpoint);
    let right = csv(WINDOW.parse().unwrap(), &rows(&orders));
    let mut right: Vec<String> = right.lines().map(str::to_string).collect();
    right.sort();
    assert_eq!(published(&folder), right);
    // One more run, which finds nothing to do, clears what the kills have left.
    assert_eq!(folder.run(&args).code, 0);
    let named = address(&bucket).look().unwrap().list().unwrap().len();
    assert!(
        (2..=named + 1).contains(&keys(&bucket).len()),
        "{named} are named of {:?}",
        keys(&bucket)
    );
}

#[test]
#[ignore = "needs an S3"]
fn inspect_shows_what_an_object_store_holds_and_takes_it_from_no_run() {
    let (bucket, folder) = (
        new_bucket(),
        Folder::with("orders.json", ordered(3_000, 5).concat()),
    );
    let dir = format!("s3://{bucket}/w");
    let nothing = folder.run(&format!("checkpoint inspect {dir}"));
    assert_eq!(nothing.code, 0);
    assert!(
        nothing
            .stderr
            .contains(&format!("there is no checkpoint in {dir}")),
        "{}",
        nothing.stderr
    );
    let run = folder.run(&format!(
        "--file orders.json --checkpoint-dir {dir} --sink file:out --private"
    ));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stderr.contains(&format!("--private does nothing for {dir}")),
        "{}",
        run.stderr
    );
    let inspect = folder.run(&format!("checkpoint inspect {dir} --format csv"));
    assert_eq!(inspect.code, 0, "{}", inspect.stderr);
    assert!(
        inspect
            .stdout
            .contains("checkpoint-00000000000000000001,source 0,"),
        "{}",
        inspect.stdout
    );
    assert!(inspect.stdout.contains("orders.json 3000"), "{}", inspect.stdout);
    assert_eq!(
        address(&bucket).look().unwrap().run(),
        1,
        "the only run that wrote"
    );
}

#[test]
#[ignore = "needs an S3"]
fn a_large_file_is_uploaded_in_parts_and_read_back() {
    let bucket = new_bucket();
    let address = address(&bucket);
    let mut folder = address.open().unwrap();
    let block: Vec<u8> = (0..1_u32 << 20).map(|at| (at % 251) as u8).collect();
    folder.write("a.writing", &block).unwrap();
    (0..20).for_each(|_| folder.append("a.writing", &block).unwrap());
    assert_eq!(
        keys(&bucket),
        ["w/current"],
        "an upload that is not complete is invisible"
    );
    folder.sync("a.writing").unwrap();
    folder.rename("a.writing", "a").unwrap();
    folder.sync_folder().unwrap();
    assert!(address.look().unwrap().read("a").unwrap() == block.repeat(21));
    assert_eq!(
        address.look().unwrap().read_tail("a", 100).unwrap(),
        block[block.len() - 100..]
    );
    // A file that is smaller than the tail that is asked for.
    folder.write("b.writing", b"rows").unwrap();
    folder.sync("b.writing").unwrap();
    folder.rename("b.writing", "b").unwrap();
    assert_eq!(folder.read_tail("b", 100).unwrap(), b"rows");
}

#[test]
#[ignore = "needs an S3"]
fn of_two_runs_the_newer_goes_on_and_both_say_so() {
    let (bucket, folder) = (new_bucket(), Folder::new());
    let args = format!("--file - --checkpoint-dir s3://{bucket}/w --checkpoint-interval 50ms --sink file:");
    let older = folder.start(&format!("{args}one"));
    while keys(&bucket).len() < 2 {
        thread::sleep(Duration::from_millis(10));
    }
    let mut newer = folder.start(&format!("{args}other"));
    newer.wait_for("run 2 on");
    let ended = older.wait();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("run 2 has begun there while this one, run 1, was at work"),
        "{}",
        ended.stderr
    );
    assert!(newer.child.try_wait().unwrap().is_none(), "it goes on");
    let run = newer.finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let said =
        format!("run 2 on s3://{bucket}/w; if run 1 is still at work, it ends with its next checkpoint");
    assert!(run.stderr.contains(&said), "{}", run.stderr);
}

#[test]
#[ignore = "needs an S3"]
fn ctrl_c_ends_a_run_within_seconds_although_the_object_store_hangs() {
    let (bucket, folder) = (new_bucket(), Folder::new());
    let args =
        format!("--file - --checkpoint-dir s3://{bucket}/w --checkpoint-interval 50ms --sink file:out");
    let job = folder.start(&args);
    while keys(&bucket).len() < 2 {
        thread::sleep(Duration::from_millis(10));
    }
    let pid = std::fs::read_to_string(format!("{}/pid", env::var("S3_DIR").expect("S3_DIR"))).unwrap();
    let server = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(server, Signal::STOP).unwrap();
    // Long enough for a checkpoint to be on its way.
    thread::sleep(Duration::from_millis(300));
    let asked = Instant::now();
    job.interrupt();
    let run = job.wait();
    let took = asked.elapsed();
    kill_process(server, Signal::CONT).unwrap();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(
        run.stderr.contains("the place where checkpoints are kept"),
        "{}",
        run.stderr
    );
}

#[test]
#[ignore = "needs an S3"]
fn what_is_wrong_is_said_with_the_place_and_what_to_do_and_without_a_secret() {
    let (bucket, folder) = (new_bucket(), Folder::with("orders.json", ordered(10, 1).concat()));
    let (here, away) = (env::var("AWS_ENDPOINT").unwrap(), "http://127.0.0.1:1");
    for (endpoint, bucket, said) in [
        (
            here.as_str(),
            "no-such-bucket",
            ["NoSuchBucket", "create the bucket"],
        ),
        (away, &bucket, ["Connection refused", "see AWS_ENDPOINT"]),
        (
            "nonsense",
            &bucket,
            ["AWS_ENDPOINT is not an address", "such as https://"],
        ),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_day05-checkpoints"));
        program.args(["--file", "orders.json", "--sink", "file:out", "--checkpoint-dir"]);
        program
            .arg(format!("s3://{bucket}/w"))
            .current_dir(folder.path(""));
        let run = program.env("AWS_ENDPOINT", endpoint).output().unwrap();
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("s3://{bucket}/w")), "{stderr}");
        assert!(said.iter().all(|said| stderr.contains(said)), "{stderr}");
        assert!(
            !stderr.contains(&env::var("AWS_SECRET_ACCESS_KEY").unwrap()),
            "{stderr}"
        );
    }
}

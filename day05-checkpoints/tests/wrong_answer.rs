//! What day 5 still gets wrong, as passing tests: what a crash finds already outside is not taken back. Rows that were
//! printed are printed again, and so is everything else that is done at once and not with a checkpoint.
//!
//! It takes a sink that waits, and can say what it has. See `tests/crash.rs` for those.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day01-consumer/tests/kafka/mod.rs"]
mod kafka;
#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use rdkafka::mocking::MockCluster;

use day05_checkpoints::lab::crash::{Design, Replay};
use kafka::Writer;
use orders::{HEADER, csv, ordered, rows};
use program::Folder;

/// The windows that have closed since the last checkpoint are shown again.
#[test]
fn what_was_shown_before_a_crash_is_shown_again() {
    let replay = Replay::new("tumble:1s".parse().unwrap()).unwrap();
    let out = (150..).map(|moment| (moment, replay.after(Design::AsTheyClose, 1, moment)));
    let (moment, mut out) = out
        .take(200)
        .find(|(_, out)| out.len() > replay.right().len())
        .unwrap();
    let twice: Vec<String> = out
        .chunk_by(|one, next| one == next)
        .filter(|same| same.len() == 2)
        .map(|same| same[0].clone())
        .collect();
    out.dedup();
    assert_eq!(out, replay.right(), "all of them are right");
    assert_eq!(replay.after(Design::IntoFiles, 1, moment), replay.right());
    insta::assert_snapshot!(
        "shown_again",
        format!("dies after moment {moment}; twice:\n{}\n", twice.join("\n"))
    );
}

/// The program, killed before its first checkpoint: all that it has printed comes again.
#[test]
fn what_was_printed_before_a_kill_is_printed_again() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let orders = ordered(4_000, 1);
    Writer::new(&cluster.bootstrap_servers(), "orders").write(0, &orders);
    let folder = Folder::new();
    let options = format!(
        "--brokers {} --checkpoint-dir checkpoints --checkpoint-interval 1h --window tumble:1s --delay 100ms --format csv",
        cluster.bootstrap_servers()
    );
    let mut running = folder.start(&options);
    assert_eq!(running.read_a_line(), HEADER);
    let printed = running.read_a_line();
    running.kill();
    let run = folder.run(&format!("{options} --until-end"));
    assert!(run.result().contains(&printed), "{printed}");
    let all = csv("tumble:1s".parse().unwrap(), &rows(&orders));
    let mut lines: Vec<&str> = run.stdout.strip_prefix(HEADER).unwrap().lines().collect();
    let mut right: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    right.sort_unstable();
    assert_eq!(lines, right, "every window, also those that were printed before");
}

/// Files are published once, but with the delay of a checkpoint: what is complete is not out yet.
#[test]
fn what_is_published_once_is_published_later() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let orders = ordered(4_000, 1);
    Writer::new(&cluster.bootstrap_servers(), "orders").write(0, &orders);
    let folder = Folder::new();
    let options = format!(
        "--brokers {} --checkpoint-dir checkpoints --checkpoint-interval 1h --window tumble:1s --delay 100ms --format csv",
        cluster.bootstrap_servers()
    );
    // Of two programs that read the same, one has printed windows, and the other has published none.
    let mut waits = folder.start(&format!("{options} --sink file:windows"));
    let mut prints = folder.start(&options.replace("checkpoints", "others"));
    assert_eq!(prints.read_a_line(), HEADER);
    prints.read_a_line();
    waits.wait_for("writing to");
    let files = || {
        let entries = std::fs::read_dir(folder.path("windows")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with("part-"))
            .count()
    };
    assert_eq!(files(), 0);
    waits.kill();
    assert_eq!(files(), 0);
    folder.run(&format!("{options} --sink file:windows --until-end"));
    assert_eq!(files(), 1, "it comes with the last checkpoint");
    prints.kill();
}

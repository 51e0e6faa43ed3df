//! The program where the system gives it too little: a disk that is full, a folder that goes away or becomes read-only, no
//! file descriptors. It ends with a line that says what was refused, and the next run, which has enough, publishes each window once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../day03-windows/tests/orders/mod.rs"]
mod orders;
#[path = "../../day02-state/tests/program/mod.rs"]
mod program;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use orders::{HEADER, csv, ordered, rows};
use program::{Folder, Run, Running};
use rustix::process::geteuid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_day05-checkpoints");
const ARGS: &str = "--file orders.json --window tumble:1s --checkpoint-dir checkpoints --checkpoint-interval 5ms \
                    --sink file:windows --format csv";

fn job() -> (Folder, Vec<String>) {
    let orders = ordered(30_000, 3);
    (Folder::with("orders.json", orders.concat()), orders)
}

/// Runs it in a shell that has set limits.
fn run_with(folder: &Folder, limits: &str) -> Output {
    let mut command = Command::new("timeout");
    command.args(["--signal", "KILL", "60", "sh", "-c"]);
    command.arg(format!("{limits}; exec {PROGRAM} {ARGS}"));
    command.current_dir(folder.path("")).output().unwrap()
}

/// It has failed, and has said why in one line.
fn said(output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let error = stderr.lines().find(|line| line.starts_with("error:"));
    error.expect(&stderr).to_string()
}

/// A run that has all it needs makes everything right.
fn check_the_next_run(folder: &Folder, orders: &[String]) {
    folder.run(ARGS).result();
    check_the_windows(folder, orders);
}

fn check_the_windows(folder: &Folder, orders: &[String]) {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.path("windows")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let text = fs::read_to_string(path).unwrap();
            found.extend(text.strip_prefix(HEADER).unwrap().lines().map(str::to_string));
        }
    }
    let right = csv("tumble:1s".parse().unwrap(), &rows(orders));
    let mut right: Vec<String> = right.lines().map(str::to_string).collect();
    found.sort();
    right.sort();
    assert_eq!(found, right);
}

#[test]
fn a_disk_that_is_full_is_an_error_that_names_the_file_and_nothing_is_lost() {
    // No file may be longer than so many times 512 bytes: the results do not fit, or not even a checkpoint does.
    for blocks in [1, 8, 32] {
        let (folder, orders) = job();
        let error = said(&run_with(&folder, &format!("trap '' XFSZ; ulimit -f {blocks}")));
        assert!(
            error.contains("cannot write") && error.contains("File too large"),
            "{blocks}: {error}"
        );
        check_the_next_run(&folder, &orders);
    }
}

#[test]
fn without_file_descriptors_it_ends_with_an_error_and_nothing_is_lost() {
    let mut refused = 0;
    // Three are open from the start, and the program needs one to be loaded.
    for descriptors in 4..16 {
        let (folder, orders) = job();
        let output = run_with(&folder, &format!("ulimit -n {descriptors}"));
        if !output.status.success() {
            let error = said(&output);
            assert!(error.contains("Too many open files"), "{descriptors}: {error}");
            refused += 1;
        }
        check_the_next_run(&folder, &orders);
    }
    assert!(refused > 2, "{refused}");
}

#[test]
fn a_folder_that_goes_away_while_it_runs_is_an_error_that_names_it() {
    for gone in ["checkpoints", "windows"] {
        let (folder, _) = job();
        let args = ARGS.replace("--file orders.json", "--file -");
        let mut job = folder.start(&args);
        job.wait_for("writing to");
        fs::remove_dir_all(folder.path(gone)).unwrap();
        let stdin = job.child.stdin.as_mut().unwrap();
        // It may have noticed already.
        let _ = stdin.write_all(ordered(5_000, 3).concat().as_bytes());
        let run = job.finish();
        assert_eq!(run.code, 1, "{gone}: {}", run.stderr);
        let error = run.stderr.lines().find(|line| line.starts_with("error:"));
        assert!(error.expect(&run.stderr).contains(gone), "{}", run.stderr);
    }
}

/// A user for whom permissions hold: for root they do not.
const NOBODY: u32 = 65534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A job whose folders any user may write into.
fn job_for_anyone() -> (Folder, Vec<String>) {
    let (folder, orders) = job();
    for name in ["checkpoints", "windows"] {
        fs::create_dir(folder.path(name)).unwrap();
        set_mode(&folder.path(name), 0o777);
    }
    set_mode(&folder.path(""), 0o755);
    set_mode(&folder.path("orders.json"), 0o644);
    (folder, orders)
}

/// Starts it as a user for whom permissions hold, who may not be able to reach where it was built.
fn start_as_nobody(folder: &Folder, args: &str) -> Running {
    let copy = folder.path("program");
    let mut command = match geteuid().is_root() {
        true => {
            if !copy.exists() {
                fs::copy(PROGRAM, &copy).unwrap();
            }
            let mut command = Command::new(copy);
            command.uid(NOBODY).gid(NOBODY);
            command
        }
        false => Command::new(PROGRAM),
    };
    command.args(args.split_whitespace());
    folder.spawn(command)
}

#[track_caller]
fn check_it_names(run: &Run, folder: &str) {
    assert_eq!(run.code, 1, "{folder}: {}", run.stderr);
    let error = run.stderr.lines().find(|line| line.starts_with("error:"));
    let error = error.expect(&run.stderr);
    let said = "Permission denied (os error 13); let the user that runs this program write there";
    assert!(
        error.contains(&format!(" {folder}/")) && error.contains(said),
        "{error}"
    );
}

#[test]
fn a_read_only_folder_is_an_error_that_names_it_and_says_what_to_do() {
    for name in ["checkpoints", "windows"] {
        let (folder, orders) = job_for_anyone();
        set_mode(&folder.path(name), 0o555);
        check_it_names(&start_as_nobody(&folder, ARGS).finish(), name);
        set_mode(&folder.path(name), 0o777);
        start_as_nobody(&folder, ARGS).finish().result();
        check_the_windows(&folder, &orders);
    }
}

#[test]
fn a_folder_that_becomes_read_only_while_it_runs_is_an_error_and_nothing_is_lost() {
    for name in ["checkpoints", "windows"] {
        let (folder, orders) = job_for_anyone();
        let args = ARGS.replace("--file orders.json", "--file -");
        let mut job = start_as_nobody(&folder, &args);
        job.wait_for("writing to");
        set_mode(&folder.path(name), 0o555);
        let stdin = job.child.stdin.as_mut().unwrap();
        // It may have noticed already.
        let _ = stdin.write_all(orders.concat().as_bytes());
        check_it_names(&job.finish(), name);
        set_mode(&folder.path(name), 0o777);
        let mut job = start_as_nobody(&folder, &args);
        job.write(&orders.concat());
        job.finish().result();
        check_the_windows(&folder, &orders);
    }
}

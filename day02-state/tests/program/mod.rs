//! How tests run the program: in a folder of its own, with pipes. What they wait for is a line or an end, never a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each file of tests uses a part of this")]

#[path = "../../../day01-consumer/tests/signals/mod.rs"]
mod signals;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use day02_state::job::SOURCE;
use day02_state::state::Owner;
use day02_state::state::file::Snapshot;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program of the day whose tests these are.
const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
/// How long anything may take; who waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of its own for a test, in which the program is run.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with one file in it.
    pub fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        Folder::new().and(name, content)
    }

    /// One file more.
    pub fn and(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(name, content);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn append(&self, name: &str, content: &str) {
        let mut file = std::fs::File::options()
            .append(true)
            .open(self.path(name))
            .unwrap();
        file.write_all(content.as_bytes()).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The positions in a saved file, by split.
    pub fn positions(&self, name: &str) -> BTreeMap<String, i64> {
        let snapshot = Snapshot::read(&self.path(name)).unwrap();
        let parts = snapshot.parts(SOURCE).iter();
        let parts = parts.filter(|part| part.name == "position");
        let positions = parts.map(|part| {
            let Owner::Split(split) = &part.owner else {
                panic!("{part:?}");
            };
            let offset = part.bytes.as_slice().try_into().unwrap();
            (split.clone(), i64::from_le_bytes(offset))
        });
        positions.collect()
    }

    /// Starts the program; its stdin stays open.
    pub fn start(&self, args: &str) -> Running {
        self.start_with(args.split_whitespace())
    }

    /// The same with arguments that have spaces in them.
    pub fn start_with<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Running {
        let mut command = Command::new(PROGRAM);
        command.args(args);
        self.spawn(command)
    }

    /// The same with a command that a test has made.
    pub fn spawn(&self, mut command: Command) -> Running {
        signals::are_heeded_by_children();
        command.current_dir(&self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (say, said) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // A test that has ended does not listen.
                let _ = say.send(line);
            }
        });
        Running {
            child: Process(Some(child)),
            said,
            stderr: String::new(),
        }
    }

    /// Runs the program to its end, with nothing on its stdin.
    pub fn run(&self, args: &str) -> Run {
        self.start(args).finish()
    }
}

/// A process that ends with the test, also when the test fails.
pub struct Process(Option<Child>);

impl Deref for Process {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().expect("it was not handed on")
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().expect("it was not handed on")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program under way.
pub struct Running {
    pub child: Process,
    said: Receiver<String>,
    /// What it has said so far.
    pub stderr: String,
}

impl Running {
    pub fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// A line of its stdout.
    pub fn read_a_line(&mut self) -> String {
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
        line
    }

    /// Waits until it has said `text` on stderr.
    pub fn wait_for(&mut self, text: &str) {
        while !self.stderr.contains(text) {
            let line = self.said.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not said: {}", self.stderr));
            self.stderr += &format!("{line}\n");
        }
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes its stdin and waits for its end.
    pub fn finish(mut self) -> Run {
        drop(self.child.stdin.take());
        self.wait()
    }

    /// Waits for its end, while its stdin stays open.
    pub fn wait(mut self) -> Run {
        let stdin = self.child.stdin.take();
        let Running {
            mut child,
            said,
            mut stderr,
        } = self;
        let child = child.0.take().expect("it was not handed on");
        let pid = Pid::from_child(&child);
        let (done, output) = channel();
        thread::spawn(move || done.send(child.wait_with_output()));
        let Ok(output) = output.recv_timeout(PATIENCE) else {
            let _ = kill_process(pid, Signal::KILL);
            panic!("it did not end, and said: {stderr}");
        };
        let output = output.unwrap();
        drop(stdin);
        stderr.extend(said.iter().map(|line| line + "\n"));
        Run {
            code: output.status.code().expect("an exit code and no signal"),
            stdout: String::from_utf8(output.stdout).expect("results are text"),
            stderr,
        }
    }
}

/// What a run came to.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// What it has printed, if all went well.
    #[track_caller]
    pub fn result(&self) -> &str {
        assert_eq!(self.code, 0, "{}", self.stderr);
        &self.stdout
    }

    /// How many orders were counted by this run alone, as its last words say.
    #[track_caller]
    pub fn counted(&self) -> u64 {
        let summary = self.stderr.lines().find(|line| line.contains(" records in "));
        number(summary.expect(&self.stderr))
    }
}

/// The number at the beginning of a line, which may be written like 12,345.
pub fn number(line: &str) -> u64 {
    let digits = line.trim_start().split(' ').next().unwrap_or_default();
    digits.replace(',', "").parse().expect(line)
}

//! What files bring that is not one JSON object a line with an LF behind it: every test writes such a file and reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use day01_consumer::Error;
use day01_consumer::decode::{Payload, texts};
use day01_consumer::files::{FileSource, JsonLines, LineFormat};
use day01_consumer::records::Records;
use day01_consumer::source::{Identity, Polled, Source, Start, Warning};
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

// ---------------------------------------------------------------------------------------------------------------------
// A last line without a line end

const A: &str = r#"{"merchant_id":"a"}"#;
const B: &str = r#"{"merchant_id":"b"}"#;

fn json() -> Arc<dyn LineFormat> {
    Arc::new(JsonLines)
}

/// Any line that is not empty. Records go on behind a backslash.
struct PlainLines;

impl LineFormat for PlainLines {
    fn goes_on(&self, line: &[u8], _: bool) -> bool {
        line.ends_with(b"\\")
    }

    fn is_whole(&self, record: &[u8]) -> bool {
        !record.ends_with(b"\\")
    }

    fn is_blank(&self, line: &[u8]) -> bool {
        line.is_empty()
    }
}

fn plain() -> Arc<dyn LineFormat> {
    Arc::new(PlainLines)
}

/// What was read of a file, its position, and what it is known by.
fn read_from(folder: &Folder, format: Arc<dyn LineFormat>, position: i64) -> (Vec<String>, i64, Identity) {
    let start = Start::At([(0, position)].into());
    let mut source = folder.open("f", &start, format).unwrap();
    let texts = read(&mut source);
    let split = source.splits()[0].clone();
    (texts, split.position, split.identity.unwrap())
}

#[test]
fn half_an_object_is_read_again_when_it_has_grown() {
    let folder = Folder::new();
    folder.write("f", format!("{A}\n{{\"merchant_id\":"));
    let (texts, position, _) = read_from(&folder, json(), 0);
    assert_eq!(texts, [A, "{\"merchant_id\":"], "a bounded run has no later");
    assert_eq!(position, 1);

    folder.write("f", format!("{A}\n{B}\n"));
    assert_eq!(read_from(&folder, json(), position).0, [B]);
}

#[test]
fn a_whole_object_is_counted_once_although_it_has_no_line_end_yet() {
    let folder = Folder::new();
    for end in ["", " "] {
        folder.write("f", format!("{A}\n{B}{end}"));
        let (texts, position, identity) = read_from(&folder, json(), 0);
        assert_eq!((texts.len(), position), (2, 2));
        // Once more without anything new.
        assert_eq!(read_from(&folder, json(), 2), (vec![], 2, identity.clone()));
        folder.write("f", format!("{A}\n{B}{end}\n{A}\n"));
        let source = folder.open("f", &Start::Earliest, json()).unwrap();
        source.check_identity(&folder.name("f"), &identity).unwrap();
        assert_eq!(read_from(&folder, json(), position).0, [A]);
    }
}

#[test]
fn a_number_may_grow_and_is_not_whole_without_a_line_end() {
    let folder = Folder::new();
    for (last, position) in [
        ("12", 1),
        ("\"text\"", 1),
        ("{}", 2),
        ("[1]", 2),
        ("[1]}", 1),
        ("  ", 1),
    ] {
        folder.write("f", format!("{A}\n{last}"));
        assert_eq!(read_from(&folder, json(), 0).1, position, "{last:?}");
    }
}

#[test]
fn a_line_that_was_counted_and_does_not_show_its_end_must_not_go_on() {
    let folder = Folder::new();
    folder.write("f", "a,1\nb,2");
    let (texts, position, identity) = read_from(&folder, plain(), 0);
    assert_eq!((texts, position), (vec!["a,1".to_string(), "b,2".to_string()], 2));
    for (now, is_same) in [("a,1\nb,2\nc,3\n", true), ("a,1\nb,23\n", false)] {
        folder.write("f", now);
        let source = folder.open("f", &Start::Earliest, plain()).unwrap();
        let checked = source.check_identity(&folder.name("f"), &identity);
        assert_eq!(checked.is_ok(), is_same, "{now:?}");
        if let Err(error) = checked {
            assert!(
                error.to_string().ends_with("that line goes on behind byte 7"),
                "{error}"
            );
        }
    }
}

#[test]
fn an_error_says_that_the_line_has_no_end() {
    let folder = Folder::new();
    folder.write("f", format!("{A}\n{{"));
    let mut source = folder.open("f", &Start::Earliest, json()).unwrap();
    read(&mut source);
    let name = folder.name("f");
    assert_eq!(source.locate(0, 0), format!("{name}:1"));
    assert_eq!(
        source.locate(0, 1),
        format!("{name}:2, the last line, which has no line end")
    );
}

#[test]
fn a_line_end_ends_a_line_whatever_it_is() {
    let folder = Folder::new();
    for end in ["\n", "\r\n", "\r"] {
        folder.write("f", format!("{A}{end}{B}{end}"));
        let (texts, position, _) = read_from(&folder, json(), 0);
        assert_eq!(
            (texts, position),
            (vec![A.to_string(), B.to_string()], 2),
            "{end:?}"
        );
        assert_eq!(read_from(&folder, json(), 1).0, [B], "{end:?}");
    }
}

#[test]
fn a_record_of_several_lines_is_one_and_the_position_counts_its_lines() {
    let folder = Folder::new();
    for end in ["\n", "\r\n", "\r"] {
        let record = format!("b\\{end}\\{end}c");
        folder.write("f", format!("a{end}{record}{end}d{end}"));
        let (texts, position, _) = read_from(&folder, plain(), 0);
        assert_eq!(
            (texts, position),
            (vec!["a".to_string(), record, "d".to_string()], 5),
            "{end:?}"
        );
        assert_eq!(read_from(&folder, plain(), 4).0, ["d"], "{end:?}");
        assert_eq!(
            folder.open("f", &Start::Earliest, plain()).unwrap().locate(0, 1),
            format!("{}:2", folder.name("f"))
        );
    }
    folder.write("f", "a\nb\\\nc\\");
    let (texts, position, _) = read_from(&folder, plain(), 0);
    assert_eq!((texts.len(), position), (2, 1), "its end has not come yet");
}

#[test]
fn blanks_are_data_or_no_record_as_the_format_has_it() {
    let folder = Folder::new();
    folder.write("f", "x  ,y  \n\t\t\n\n  \n");
    assert_eq!(read_from(&folder, plain(), 0).0, ["x  ,y  ", "\t\t", "  "]);
    assert_eq!(read_from(&folder, json(), 0).0, ["x  ,y  "]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Marks, gzip, length

#[test]
fn a_byte_order_mark_of_utf_8_is_read_past_and_one_of_utf_16_named() {
    let folder = Folder::new();
    for file in [format!("\u{feff}{A}\n{B}"), format!("\u{feff}{A}\n\u{feff}{B}")] {
        folder.write("f", file);
        let (texts, position, _) = read_from(&folder, json(), 0);
        assert_eq!((texts, position), (vec![A.to_string(), B.to_string()], 2));
    }
    for utf_16 in [&b"\xff\xfe{\x00}\x00\n\x00"[..], b"\xfe\xff\x00{\x00}\x00\n"] {
        folder.write("f", utf_16);
        let error = failure(&folder, "f");
        for said in [&folder.name("f"), "UTF-16", "iconv -f UTF-16 -t UTF-8"] {
            assert!(error.contains(said), "{error}");
        }
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_is_known_by_its_first_bytes_and_unpacked() {
    let folder = Folder::new();
    // Whatever the name, and several of them one behind the other.
    folder.write(
        "f",
        [gzip(&format!("\u{feff}{A}\n")), gzip(&format!("{B}\n"))].concat(),
    );
    let (texts, position, _) = read_from(&folder, json(), 0);
    assert_eq!((texts, position), (vec![A.to_string(), B.to_string()], 2));

    let whole = gzip(&format!("{A}\n").repeat(1_000));
    folder.write("f", &whole[..whole.len() / 2]);
    let error = failure(&folder, "f");
    assert!(
        error.starts_with(&folder.name("f")) && error.contains("gzip data"),
        "{error}"
    );
}

#[test]
fn a_line_longer_than_the_limit_is_an_error_that_names_it_and_the_option() {
    let folder = Folder::new();
    folder.write("f", format!("{A}\n{A}{A}\n"));
    let open = |limit| FileSource::open_lines(&[folder.path("f")], &Start::Earliest, json(), limit);
    assert_eq!(read(&mut open(2 * A.len()).unwrap()).len(), 2);
    let error = open(A.len())
        .unwrap()
        .poll(&mut Records::new(), Duration::ZERO)
        .unwrap_err();
    let said = format!(
        "{}:2 is longer than 19 B; to accept longer records, raise --max-record",
        folder.name("f")
    );
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_batch_of_long_lines_is_bounded() {
    let folder = Folder::new();
    let long = format!("{}\n", "x".repeat(100_000));
    folder.write("f", long.repeat(100));
    let mut source = folder.open("f", &Start::Earliest, json()).unwrap();
    let mut records = Records::new();
    source.poll(&mut records, Duration::ZERO).unwrap();
    assert!(records.payloads().len() < 2 << 20, "{}", records.payloads().len());
    assert_eq!(records.len() + read(&mut source).len(), 100);
}

// ---------------------------------------------------------------------------------------------------------------------
// Pipes

#[test]
fn a_named_pipe_is_never_waited_for() {
    let folder = Folder::new();
    mknodat(
        CWD,
        folder.path("f"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut source = folder.open("f", &Start::Earliest, json()).unwrap();
    let mut records = Records::new();
    let mut poll = |records: &mut Records| source.poll(records, Duration::ZERO).unwrap();
    assert_eq!(poll(&mut records), Polled::Idle, "no program writes yet");

    let mut writer = File::options().write(true).open(folder.path("f")).unwrap();
    assert_eq!(poll(&mut records), Polled::Idle);
    writer.write_all(b"{").unwrap();
    assert_eq!(poll(&mut records), Polled::Idle, "not even the first two bytes");
    writer
        .write_all(format!("{}\n{{\"merchant_id\"", &A[1..]).as_bytes())
        .unwrap();
    assert_eq!((poll(&mut records), records.len()), (Polled::Ready, 1));
    assert_eq!(poll(&mut records), Polled::Idle, "in the middle of a line");
    writer.write_all(b":\"b\"}\r").unwrap();
    assert_eq!((poll(&mut records), records.len()), (Polled::Ready, 1));
    assert_eq!(records.get(0).unwrap().payload, Some(B.as_bytes()));
    writer.write_all(b"\n").unwrap();
    drop(writer);
    assert_eq!(poll(&mut records), Polled::End);
}

#[test]
fn gzip_through_a_pipe_may_come_in_any_pieces() {
    let folder = Folder::new();
    mknodat(
        CWD,
        folder.path("f"),
        FileType::Fifo,
        Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let mut source = folder.open("f", &Start::Earliest, json()).unwrap();
    let mut records = Records::new();
    let mut writer = File::options().write(true).open(folder.path("f")).unwrap();
    let mut lines = 0;
    for byte in gzip(&format!("{A}\n{B}\n")) {
        writer.write_all(&[byte]).unwrap();
        assert_ne!(source.poll(&mut records, Duration::ZERO).unwrap(), Polled::End);
        lines += records.len();
    }
    drop(writer);
    lines += read(&mut source).len();
    assert_eq!(lines, 2);
}

// ---------------------------------------------------------------------------------------------------------------------
// Folders

#[test]
fn a_folder_is_read_whole_and_what_is_left_out_is_said_once() {
    let folder = Folder::new();
    fs::create_dir(folder.path("day=1")).unwrap();
    for name in ["b.json", "day=1/a.json", "_SUCCESS", ".hidden"] {
        folder.write(name, format!("{A}\n"));
    }
    let root = folder.0.path().to_path_buf();
    let mut source = FileSource::open(&[root], &Start::Earliest).unwrap();
    assert_eq!(read(&mut source), [A, A]);
    let files = [".hidden", "_SUCCESS"].map(|name| folder.name(name)).to_vec();
    let warnings = source.warnings();
    assert_eq!(warnings, [Warning::FilesLeftOut { files }]);
    assert!(warnings[0].to_string().contains("_SUCCESS"), "{}", warnings[0]);
}

/// How many files of the folder this process has open.
#[cfg(target_os = "linux")]
fn open_in(folder: &Folder) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    open.filter(|path| path.starts_with(folder.0.path())).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_may_hold_more_files_than_may_be_open() {
    let folder = Folder::of(300, &"x\n".repeat(1_001));
    let root = [folder.0.path().to_path_buf()];
    for shares in [1, 3] {
        let sources = FileSource::open_shares(&root, &Start::Earliest, plain(), 99, shares);
        let (mut records, mut lines, mut most) = (Records::new(), 0, 0);
        let mut sources = sources.unwrap();
        assert_eq!(open_in(&folder), 0, "their turn has not come");
        while !sources.is_empty() {
            sources.retain_mut(|source| {
                let polled = source.poll(&mut records, Duration::ZERO).unwrap();
                lines += records.len();
                most = most.max(open_in(&folder));
                polled != Polled::End
            });
        }
        assert_eq!(lines, 300_300);
        assert!((2..=130).contains(&most), "{most}");
    }
}

/// A split that pauses waits for one that has no time yet, so the other has to be opened.
#[test]
fn files_that_pause_do_not_keep_others_from_being_opened() {
    let folder = Folder::of(300, &"x\n".repeat(1_001));
    let mut source = folder.source();
    let mut records = Records::new();
    for number in 0..300 {
        source.poll(&mut records, Duration::ZERO).unwrap();
        assert_eq!(records.get(0).unwrap().partition, number);
        let paused: Vec<i32> = (0..=number).collect();
        source.pause(&paused).unwrap();
    }
}

#[test]
fn a_batch_is_of_many_files_if_they_are_small() {
    let folder = Folder::of(500, "x\ny\n");
    let mut source = folder.source();
    let mut records = Records::new();
    assert_eq!(source.poll(&mut records, Duration::ZERO).unwrap(), Polled::Ready);
    let partitions: Vec<i32> = records.iter().map(|record| record.partition).collect();
    assert_eq!(partitions, (0..1_000).map(|row| row / 2).collect::<Vec<i32>>());
    assert!(read(&mut source).is_empty());
}

#[test]
fn a_file_that_is_replaced_before_its_turn_comes_is_an_error() {
    let folder = Folder::of(2, &"x\n".repeat(1_001));
    let mut source = folder.source();
    let mut records = Records::new();
    source.poll(&mut records, Duration::ZERO).unwrap();
    folder.write("001", "y\n".repeat(1_001));
    let error = source.poll(&mut records, Duration::ZERO).unwrap_err();
    assert!(
        matches!(&error, Error::Replaced { path } if *path == folder.path("001")),
        "{error}"
    );
}

/// Each file has one number for all shares, also if another one appears while they are opened.
#[test]
fn shares_of_a_folder_have_one_list_of_its_files() {
    let folder = Folder::new();
    for name in ["b", "c", "d"] {
        folder.write(name, "x\n");
    }
    let root = [folder.0.path().to_path_buf()];
    let sources = FileSource::open_shares(&root, &Start::Earliest, plain(), 99, 2);
    let mut sources = sources.unwrap();
    folder.write("a", "x\n");
    folder.write("_b", "x\n");
    let names: Vec<Vec<(i32, String)>> = sources
        .iter()
        .map(|source| {
            source
                .splits()
                .iter()
                .map(|split| (split.partition, split.name.clone()))
                .collect()
        })
        .collect();
    let name = |name| folder.name(name);
    assert_eq!(
        names,
        [vec![(0, name("b")), (2, name("d"))], vec![(1, name("c"))]]
    );
    assert!(sources.iter_mut().all(|source| source.warnings().is_empty()));
}

#[test]
fn a_file_that_is_named_is_read_whatever_its_name() {
    let folder = Folder::new();
    folder.write("_a", A);
    assert_eq!(read_from_name(&folder, "_a"), [A]);
    let uri = PathBuf::from(format!("file://{}", folder.name("_a")));
    let mut source = FileSource::open(&[uri], &Start::Earliest).unwrap();
    assert_eq!(
        source.splits()[0].name,
        folder.name("_a"),
        "the same split as by its path"
    );
    assert_eq!(read(&mut source), [A]);
    let twice = [folder.0.path().to_path_buf(), folder.path("b")];
    folder.write("b", "");
    let error = FileSource::open(&twice, &Start::Earliest).map(drop).unwrap_err();
    assert!(
        matches!(&error, Error::Usage(said) if said.ends_with("b is given twice")),
        "{error}"
    );
}

// ---------------------------------------------------------------------------------------------------------------------
// Helpers

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// So many files with the same text.
    fn of(files: usize, text: &str) -> Self {
        let folder = Folder::new();
        (0..files).for_each(|number| folder.write(&format!("{number:03}"), text));
        folder
    }

    /// All of its files, of lines.
    fn source(&self) -> FileSource {
        let root = [self.0.path().to_path_buf()];
        FileSource::open_lines(&root, &Start::Earliest, plain(), 99).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn open(&self, name: &str, start: &Start, format: Arc<dyn LineFormat>) -> Result<FileSource, Error> {
        FileSource::open_lines(&[self.path(name)], start, format, 1 << 20)
    }
}

fn read_from_name(folder: &Folder, name: &str) -> Vec<String> {
    read(&mut folder.open(name, &Start::Earliest, json()).unwrap())
}

/// The texts of all records to the end.
fn read(source: &mut FileSource) -> Vec<String> {
    let (mut records, mut all) = (Records::new(), Vec::new());
    while source.poll(&mut records, Duration::ZERO).unwrap() == Polled::Ready {
        all.extend(texts(&records).map(|(_, payload)| match payload {
            Payload::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }));
    }
    all
}

/// Why a file cannot be read.
fn failure(folder: &Folder, name: &str) -> String {
    let mut source = folder.open(name, &Start::Earliest, json()).unwrap();
    let mut records = Records::new();
    loop {
        match source.poll(&mut records, Duration::ZERO) {
            Ok(Polled::Ready) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => return error.to_string(),
        }
    }
}

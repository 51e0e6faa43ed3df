//! What every source promises, tried on the log in memory and on files: where reading starts, what a position means, and
//! that nothing goes missing in silence.
//!
//! No test waits for anything: a poll of these two sources returns at once. What a crash costs is in `wrong_answer.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use day01_consumer::Error;
use day01_consumer::files::FileSource;
use day01_consumer::job::{Commit, Job, OnBadRecord};
use day01_consumer::lab::generator::{Generator, GeneratorOptions, generated_log};
use day01_consumer::lab::log::{Log, LogSource};
use day01_consumer::order::Reason;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Positions, Share, Source, Split, Start, Warning};
use tempfile::TempDir;

// ---------------------------------------------------------------------------------------------------------------------
// Positions

#[test]
fn the_position_after_records_0_to_4_is_5_and_a_restart_begins_there() {
    let log = log_of(&[&["m-1"; 5]]);
    let job = run(from(&log, Start::Group), Commit::After, OnBadRecord::Fail).unwrap();
    assert_eq!(job.counted(), 5);
    assert_eq!(log.committed(GROUP), at(&[("orders/0", 5)]));

    append(&log, 0, "m-1");
    assert_eq!(read(&mut from(&log, Start::Group)), ["orders/0@5"]);
}

#[test]
fn the_position_of_a_file_counts_its_lines_blank_ones_included() {
    let folder = Folder::with(&["one\n\n\ntwo\n\n"]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    assert_eq!(read(&mut files), folder.places(&["0.json:1", "0.json:4"]));
    assert_eq!(files.splits()[0].position, 5);
}

#[test]
fn a_record_of_a_file_is_its_line_without_the_end_of_the_line() {
    let folder = Folder::with(&["one\n two\t\r\n\r\nthree\rfour "]);
    let mut records = Records::new();
    let mut files = folder.open(&Start::Earliest).unwrap();
    files.poll(&mut records, Duration::ZERO).unwrap();
    let payloads: Vec<_> = records.iter().map(|record| record.payload).collect();
    assert_eq!(
        payloads,
        [Some(&b"one"[..]), Some(b" two\t"), Some(b"three"), Some(b"four ")]
    );
}

#[test]
fn who_stops_anywhere_and_goes_on_from_the_positions_reads_every_record_once() {
    let log = log_of(&[&["m-1"; 9], &["m-2"; 4], &[]]);
    let all = sorted(read(&mut from(&log, Start::Earliest)));
    assert_eq!(all.len(), 13);
    for batch in [1, 2, 7] {
        for polls in 0..=14 {
            let mut before = from(&log, Start::Earliest).with_batch(batch);
            let mut places = read_polls(&mut before, polls);
            // The positions win over the start, whatever it was.
            let mut after = from(&log, Start::Latest);
            after.seek(&Positions::of(before.splits())).unwrap();
            places.extend(read(&mut after));
            assert_eq!(sorted(places), all, "{polls} polls of {batch}");
        }
    }
}

#[test]
fn files_go_on_from_their_positions_too() {
    let folder = Folder::with(&["x\n".repeat(2_500).as_str(), "y\n\n".repeat(1_200).as_str()]);
    let all = sorted(read(&mut folder.open(&Start::Earliest).unwrap()));
    assert_eq!(all.len(), 3_700);
    for polls in 0..=5 {
        let mut before = folder.open(&Start::Earliest).unwrap();
        let mut places = read_polls(&mut before, polls);
        let mut after = folder.open(&Start::Earliest).unwrap();
        after.seek(&Positions::of(before.splits())).unwrap();
        places.extend(read(&mut after));
        assert_eq!(sorted(places), all, "{polls} polls");
    }
}

#[test]
fn a_seek_can_go_back_even_from_the_end() {
    let log = log_of(&[&["m-1"; 3]]);
    let mut source = log.source(GROUP, &Start::Earliest, true).unwrap();
    read(&mut source);
    source.seek(&at(&[("orders/0", 1)])).unwrap();
    assert_eq!(read(&mut source), ["orders/0@1", "orders/0@2"]);

    let folder = Folder::with(&["a\nb\nc\n"]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    read(&mut files);
    files.seek(&at(&[(&folder.name(0), 1)])).unwrap();
    assert_eq!(read(&mut files), folder.places(&["0.json:2", "0.json:3"]));
}

/// Pausing is not reading: it loses nothing, moves no position, and does not end a source that has more.
#[test]
fn a_paused_split_brings_nothing_until_it_goes_on_and_then_all_there_is() {
    let log = log_of(&[&["m-1"; 5], &["m-2"; 3]]);
    let folder = Folder::with(&["a\nb\n", "c\nd\ne\n"]);
    let bounded = log.source(GROUP, &Start::Earliest, true).unwrap();
    let sources: [(Box<dyn Source>, bool); 3] = [
        (Box::new(from(&log, Start::Earliest)), false),
        (Box::new(bounded), true),
        (Box::new(folder.open(&Start::Earliest).unwrap()), true),
    ];
    for (mut source, is_bounded) in sources {
        assert_eq!(source.is_bounded(), is_bounded);
        source.pause(&[1]).unwrap();
        let first = read(&mut source);
        assert!(!first.is_empty() && source.splits()[1].position == 0);
        let polled = source.poll(&mut Records::new(), Duration::ZERO).unwrap();
        assert_eq!(polled, Polled::Idle, "there is more");
        source.pause(&[0]).unwrap();
        let second = read(&mut source);
        assert_eq!(second.len(), 3);
        source.pause(&[]).unwrap();
        assert!(read(&mut source).is_empty());
        let polled = source.poll(&mut Records::new(), Duration::ZERO).unwrap();
        assert_eq!(polled == Polled::End, is_bounded);
    }
}

#[test]
fn a_position_of_a_split_that_is_not_there_is_refused_by_name() {
    let log = log_of(&[&["m-1"]]);
    let folder = Folder::with(&["a\n"]);
    let unknown = at(&[("orders/7", 0)]);
    for refused in [
        from(&log, Start::Earliest).seek(&unknown),
        folder.open(&Start::Earliest).unwrap().seek(&unknown),
        log.source(GROUP, &Start::At([(7, 0)].into()), false).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(&error, Error::UnknownSplit { split, .. } if split == "orders/7"),
            "{error}"
        );
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Where reading starts

/// Two partitions, written at 0 s, 1 s, 2 s and so on; the group has committed 2 in the first.
fn log_with_times() -> Log {
    let log = Log::new("orders", 2);
    for (partition, records) in [(0, 4), (1, 2)] {
        for second in 0..records {
            log.append(
                partition,
                None,
                Some(order("m-1").as_bytes()),
                Some(second * 1_000),
            );
        }
    }
    from(&log, Start::Latest).commit(&at(&[("orders/0", 2)])).unwrap();
    log
}

fn every_start() -> [(Start, [i64; 2]); 7] {
    [
        (Start::Earliest, [0, 0]),
        (Start::Latest, [4, 2]),
        // No commit in the second partition: from its oldest record.
        (Start::Group, [2, 0]),
        (Start::Timestamp(1_000), [1, 1]),
        (Start::Timestamp(1_001), [2, 2]),
        (Start::Timestamp(9_000), [4, 2]),
        (Start::At([(0, 3)].into()), [3, 0]),
    ]
}

#[test]
fn every_start_begins_where_it_says() {
    let log = log_with_times();
    for (start, positions) in every_start() {
        let mut source = from(&log, start.clone());
        let found: Vec<i64> = source.splits().iter().map(|split| split.position).collect();
        assert_eq!(found, positions, "{start:?}");
        let places = read(&mut source);
        assert_eq!(
            places.len() as i64,
            4 + 2 - positions[0] - positions[1],
            "{start:?}"
        );
    }
}

#[test]
fn given_positions_win_over_every_start() {
    let log = log_with_times();
    for (start, _) in every_start() {
        let mut source = from(&log, start.clone());
        source.seek(&at(&[("orders/0", 3), ("orders/1", 1)])).unwrap();
        assert_eq!(read(&mut source), ["orders/0@3", "orders/1@1"], "{start:?}");
    }
}

#[test]
fn a_seek_leaves_splits_alone_that_it_does_not_name() {
    let log = log_with_times();
    let mut source = from(&log, Start::Latest);
    source.seek(&at(&[("orders/1", 0)])).unwrap();
    assert_eq!(read(&mut source), ["orders/1@0", "orders/1@1"]);
}

#[test]
fn files_start_at_their_beginning_or_at_given_lines_and_nowhere_else() {
    let folder = Folder::with(&["a\nb\n", "c\n"]);
    let mut files = folder.open(&Start::At([(0, 1)].into())).unwrap();
    assert_eq!(read(&mut files), folder.places(&["0.json:2", "1.json:1"]));
    for start in [
        Start::Latest,
        Start::Group,
        Start::Timestamp(0),
        Start::At([(2, 0)].into()),
    ] {
        let refused = folder.open(&start).map(drop);
        assert!(matches!(refused, Err(Error::Usage(_))), "{start:?}");
    }
}

#[test]
fn a_partition_that_appears_later_is_read_from_its_beginning_although_the_start_was_latest() {
    let log = log_of(&[&["m-1"; 3]]);
    let mut source = from(&log, Start::Latest);
    assert_eq!(read(&mut source), [""; 0]);

    log.add_partition();
    append(&log, 1, "m-2");
    append(&log, 1, "m-2");
    assert_eq!(read(&mut source), ["orders/1@0", "orders/1@1"]);
    let split = "orders/1".to_string();
    assert_eq!(source.warnings(), [Warning::PartitionFound { split }]);
    assert_eq!(source.warnings(), [], "a warning is given once");
}

#[test]
fn a_new_partition_is_read_from_what_retention_has_left_of_it() {
    let log = log_of(&[&[]]);
    let mut source = from(&log, Start::Latest);
    log.add_partition();
    append(&log, 1, "m-1");
    append(&log, 1, "m-1");
    log.forget_before(1, 1);
    assert_eq!(read(&mut source), ["orders/1@1"]);
}

#[test]
fn a_bounded_read_ends_where_the_topic_ended_at_its_start() {
    let log = log_of(&[&["m-1"; 3]]);
    let mut source = log.source(GROUP, &Start::Earliest, true).unwrap();
    append(&log, 0, "late");
    log.add_partition();
    append(&log, 1, "late");
    assert_eq!(read(&mut source), ["orders/0@0", "orders/0@1", "orders/0@2"]);
    assert_eq!(
        source.poll(&mut Records::new(), Duration::ZERO).unwrap(),
        Polled::End
    );
    assert_eq!(source.warnings(), []);
}

// ---------------------------------------------------------------------------------------------------------------------
// Shares

/// Sources that divide the splits of what `open` opens.
fn shares<S: Source>(of: usize, open: impl Fn() -> S) -> Vec<S> {
    let shares = (0..of).map(|index| {
        let mut source = open();
        source.share(Share { index, of });
        source
    });
    shares.collect()
}

/// Four partitions, and the place of each record in them.
fn log_of_four() -> (Log, Vec<String>) {
    let log = log_of(&[&["m-1"; 5], &["m-2"; 3], &[], &["m-3"; 4]]);
    let all = sorted(read(&mut from(&log, Start::Earliest)));
    assert_eq!(all.len(), 12);
    (log, all)
}

#[test]
fn shares_together_read_every_record_once() {
    let (log, in_log) = log_of_four();
    let folder = Folder::with(&["a\nb\n", "c\n", "", "d\n\ne\n"]);
    let in_files = sorted(read(&mut folder.open(&Start::Earliest).unwrap()));
    assert_eq!(in_files.len(), 5);
    for of in [1, 2, 3, 7] {
        for until_end in [false, true] {
            let open = || log.source(GROUP, &Start::Earliest, until_end).unwrap();
            let places = shares(of, open).iter_mut().flat_map(read).collect();
            assert_eq!(sorted(places), in_log, "{of} shares");
        }
        let open = || folder.open(&Start::Earliest).unwrap();
        let places = shares(of, open).iter_mut().flat_map(read).collect();
        assert_eq!(sorted(places), in_files, "{of} shares of files");
    }
}

#[test]
fn a_share_of_a_boxed_source_is_that_of_the_source() {
    let (log, all) = log_of_four();
    let open = || Box::new(from(&log, Start::Earliest)) as Box<dyn Source>;
    let places = shares(3, open).iter_mut().flat_map(read).collect();
    assert_eq!(sorted(places), all);
}

#[test]
fn splits_keep_their_numbers_and_names_in_a_share() {
    let (log, _) = log_of_four();
    let folder = Folder::with(&["", "", "", ""]);
    let odd = Share { index: 1, of: 2 };
    let mut from_log = from(&log, Start::Earliest);
    from_log.share(odd);
    let mut files = folder.open(&Start::Earliest).unwrap();
    files.share(odd);
    let names = |source: &dyn Source| -> Vec<(i32, String)> {
        let splits = source.splits().iter();
        splits
            .map(|split| (split.partition, split.name.clone()))
            .collect()
    };
    let expected = [1, 3].map(|number| (number, format!("orders/{number}")));
    assert_eq!(names(&from_log), expected);
    assert_eq!(
        names(&files),
        [1, 3].map(|number| (number as i32, folder.name(number)))
    );
}

#[test]
fn a_share_goes_on_from_its_positions() {
    let (log, all) = log_of_four();
    for polls in 0..4 {
        let mut before = shares(3, || from(&log, Start::Earliest).with_batch(2));
        let mut after = shares(3, || from(&log, Start::Latest));
        let mut places = Vec::new();
        for (before, after) in before.iter_mut().zip(&mut after) {
            places.extend(read_polls(before, polls));
            after.seek(&Positions::of(before.splits())).unwrap();
            places.extend(read(after));
        }
        assert_eq!(sorted(places), all, "{polls} polls");
    }
}

#[test]
fn a_new_partition_falls_to_exactly_one_share() {
    for of in [1, 2, 3, 7] {
        let (log, _) = log_of_four();
        let mut shares = shares(of, || from(&log, Start::Latest));
        assert!(shares.iter_mut().flat_map(read).next().is_none());
        // One of them may look while the topic grows, and the others later.
        for added in 4..8 {
            log.add_partition();
            append(&log, added, "m-1");
            read_polls(&mut shares[0], 1);
        }
        for (index, source) in shares.iter_mut().enumerate() {
            read(source);
            let found: Vec<Warning> = (4..8)
                .filter(|added| added % of == index)
                .map(|added| Warning::PartitionFound {
                    split: format!("orders/{added}"),
                })
                .collect();
            assert_eq!(source.warnings(), found, "{index} of {of}");
        }
        let mut splits: Vec<&Split> = shares.iter().flat_map(|source| source.splits()).collect();
        splits.sort_by_key(|split| split.partition);
        let positions: Vec<(i32, i64)> = splits
            .iter()
            .map(|split| (split.partition, split.position))
            .collect();
        let expected = [(0, 5), (1, 3), (2, 0), (3, 4), (4, 1), (5, 1), (6, 1), (7, 1)];
        assert_eq!(positions, expected, "{of} shares");
    }
}

#[test]
fn a_share_without_a_split_ends_or_waits_as_its_source_does() {
    let (log, _) = log_of_four();
    let folder = Folder::with(&["a\n"]);
    let polled = |mut source: Box<dyn Source>| {
        source.share(Share { index: 6, of: 7 });
        assert_eq!(source.splits(), []);
        source.poll(&mut Records::new(), Duration::ZERO).unwrap()
    };
    let bounded = log.source(GROUP, &Start::Earliest, true).unwrap();
    assert_eq!(polled(Box::new(bounded)), Polled::End);
    assert_eq!(polled(Box::new(from(&log, Start::Earliest))), Polled::Idle);
    let files = folder.open(&Start::Earliest).unwrap();
    assert_eq!(polled(Box::new(files)), Polled::End);
}

// ---------------------------------------------------------------------------------------------------------------------
// What is no longer there, or not yet

#[test]
fn a_position_out_of_range_is_an_error_that_names_partition_wanted_and_available() {
    let log = log_of(&[&["m-1"], &["m-1"; 20]]);
    from(&log, Start::Earliest)
        .commit(&at(&[("orders/1", 5)]))
        .unwrap();
    log.forget_before(1, 10);
    let sought = |offset| {
        let mut source = from(&log, Start::Earliest);
        source.seek(&at(&[("orders/1", offset)])).unwrap();
        source.poll(&mut Records::new(), Duration::ZERO).map(drop)
    };
    for (wanted, refused) in [
        (5, log.source(GROUP, &Start::Group, false).map(drop)),
        (9, log.source(GROUP, &Start::At([(1, 9)].into()), false).map(drop)),
        (
            21,
            log.source(GROUP, &Start::At([(1, 21)].into()), false).map(drop),
        ),
        (5, sought(5)),
        (21, sought(21)),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(out_of_range(&error), ("orders/1", wanted, 10, 20));
        for said in [
            &format!("offset {wanted} is out of range"),
            "10 to 20",
            "--from 1=10",
        ] {
            assert!(error.to_string().contains(said), "{error}");
        }
    }
    sought(10).unwrap();
    sought(20).unwrap();
}

#[test]
fn a_reader_that_retention_passes_stops_with_an_error() {
    let log = log_of(&[&["m-1"; 9]]);
    let mut source = from(&log, Start::Earliest).with_batch(2);
    assert_eq!(read_polls(&mut source, 1), ["orders/0@0", "orders/0@1"]);
    log.forget_before(0, 2);
    assert_eq!(
        read_polls(&mut source, 1),
        ["orders/0@2", "orders/0@3"],
        "not passed yet"
    );
    log.forget_before(0, 5);
    let error = source.poll(&mut Records::new(), Duration::ZERO).unwrap_err();
    assert_eq!(out_of_range(&error), ("orders/0", 4, 5, 9));
}

#[test]
fn a_bounded_read_does_not_mind_retention_behind_its_end() {
    let log = log_of(&[&["m-1"], &["m-1"; 3]]);
    let mut source = log.source(GROUP, &Start::Earliest, true).unwrap();
    assert_eq!(read_polls(&mut source, 1), ["orders/0@0"]);
    append(&log, 0, "late");
    log.forget_before(0, 2);
    assert_eq!(read(&mut source).len(), 3);
}

#[test]
fn a_start_behind_the_end_of_a_file_is_an_error_that_names_it() {
    let folder = Folder::with(&["a\n", "a\nb\nc\n"]);
    let mut files = folder.open(&Start::At([(1, 4)].into())).unwrap();
    let error = files.poll(&mut Records::new(), Duration::ZERO).unwrap_err();
    assert_eq!(out_of_range(&error), (folder.name(1).as_str(), 4, 0, 3));
}

#[test]
fn a_file_is_known_again_by_its_first_bytes_although_it_has_grown() {
    let folder = Folder::with(&["", "a\n", "x\n".repeat(9_000).as_str()]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    let at_first = files.splits().to_vec();
    read(&mut files);
    for before in [at_first, files.splits().to_vec()] {
        let check = |number: usize, now: String| {
            std::fs::write(&folder.paths[number], now).unwrap();
            let identity = before[number].identity.as_ref().unwrap();
            let files = folder.open(&Start::Earliest).unwrap();
            files.check_identity(&folder.name(number), identity)
        };
        check(0, "anything\n".to_string()).unwrap();
        check(1, "a\nb\n".to_string()).unwrap();
        check(2, "x\n".repeat(9_999)).unwrap();
        for (number, other) in [(1, "b\na\n"), (1, ""), (2, "x\nx\n")] {
            let error = check(number, other.to_string()).unwrap_err();
            assert!(matches!(error, Error::OtherInput { .. }), "{error}");
        }
    }
}

#[test]
fn what_is_not_known_by_anything_passes() {
    let log = log_of(&[&["m-1"]]);
    let folder = Folder::with(&["a\n"]);
    let files = folder.open(&Start::Earliest).unwrap();
    let known = files.splits()[0].identity.clone().unwrap();
    from(&log, Start::Earliest)
        .check_identity("orders/0", &known)
        .unwrap();
    files.check_identity("another.json", &known).unwrap();
}

#[test]
fn a_file_that_is_replaced_or_cut_while_it_is_read_is_an_error() {
    let long = "x\n".repeat(2_500);
    for now in ["y\n".repeat(5_000), "x\n".repeat(10)] {
        let folder = Folder::with(&[&long]);
        let mut files = folder.open(&Start::Earliest).unwrap();
        read_polls(&mut files, 1);
        // As a log is rotated: the old file keeps its bytes under another name.
        std::fs::rename(&folder.paths[0], folder.folder.path().join("0.json.1")).unwrap();
        std::fs::write(&folder.paths[0], now).unwrap();
        read_polls(&mut files, 1);
        let error = files.poll(&mut Records::new(), Duration::ZERO).unwrap_err();
        assert!(
            matches!(&error, Error::Replaced { path } if *path == folder.paths[0]),
            "{error}"
        );
    }
}

#[test]
fn a_file_that_is_removed_while_it_is_read_is_read_to_its_end() {
    let folder = Folder::with(&["x\n".repeat(2_500).as_str()]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    read_polls(&mut files, 1);
    std::fs::remove_file(&folder.paths[0]).unwrap();
    assert_eq!(read(&mut files).len(), 1_500);
}

// ---------------------------------------------------------------------------------------------------------------------
// Records that are no orders

#[test]
fn a_tombstone_at_the_end_is_skipped_once_and_not_delivered_again() {
    let log = log_of(&[&["m-1"]]);
    log.append(0, Some(b"key"), None, None);
    let job = run(from(&log, Start::Group), Commit::After, OnBadRecord::Skip).unwrap();
    assert_eq!(job.counted(), 1);
    assert_eq!(*job.skipped(), [(Reason::Tombstone, 1)].into());

    let again = run(from(&log, Start::Group), Commit::After, OnBadRecord::Skip).unwrap();
    assert_eq!((again.counted(), again.skipped().len()), (0, 0));
}

#[test]
fn skip_moves_the_offset_past_a_poison_pill() {
    for batch in [1, 1_000] {
        let log = log_with_poison();
        let source = from(&log, Start::Group).with_batch(batch);
        let job = run(source, Commit::After, OnBadRecord::Skip).unwrap();
        assert_eq!((job.counted(), job.skipped()[&Reason::NotJson]), (2, 1));
        assert_eq!(log.committed(GROUP), at(&[("orders/0", 3)]));
        assert_eq!(read(&mut from(&log, Start::Group)), [""; 0]);
    }
}

#[test]
fn fail_names_the_poison_pill_each_time_and_how_to_start_behind_it() {
    let log = log_with_poison();
    for _restart in 0..2 {
        let source = from(&log, Start::Group).with_batch(1);
        let error = failure(source, Commit::After);
        for said in ["orders/0@1: not JSON", "poison", "--on-bad-record skip"] {
            assert!(error.contains(said), "{said:?} is not in: {error}");
        }
        assert_eq!(log.committed(GROUP), at(&[("orders/0", 1)]), "not past the pill");
    }
    let behind = from(&log, Start::At([(0, 2)].into()));
    let job = run(behind, Commit::None, OnBadRecord::Fail).unwrap();
    assert_eq!(job.counted(), 1);
}

#[test]
fn a_file_names_the_line_of_its_poison_pill() {
    let good = order("m-1");
    let folder = Folder::with(&[&format!("{good}\n\npoison\n{good}\n")]);
    let files = folder.open(&Start::Earliest).unwrap();
    let error = failure(files, Commit::None);
    assert!(
        error.contains(&format!("{}:3: not JSON", folder.name(0))),
        "{error}"
    );

    let behind = folder.open(&Start::At([(0, 3)].into())).unwrap();
    let job = run(behind, Commit::None, OnBadRecord::Fail).unwrap();
    assert_eq!(job.counted(), 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Gaps and lag

/// One partition with the offsets 0, 1, 4 and 7.
fn log_with_gaps() -> Log {
    let log = log_of(&[&["m-1", "m-1"]]);
    log.skip(0, 2);
    append(&log, 0, "m-1");
    log.skip(0, 2);
    append(&log, 0, "m-1");
    log
}

#[test]
fn lag_comes_from_the_end_offset_and_not_from_a_count() {
    let log = log_with_gaps();
    let mut source = from(&log, Start::Earliest).with_batch(2);
    assert_eq!(
        lag(&source),
        [Some(8)],
        "an upper bound for the four records that wait"
    );
    assert_eq!(read_polls(&mut source, 1), ["orders/0@0", "orders/0@1"]);
    assert_eq!(lag(&source), [Some(6)]);
    assert_eq!(read(&mut source), ["orders/0@4", "orders/0@7"]);
    assert_eq!(lag(&source), [Some(0)]);
    assert_eq!(source.splits()[0].end, Some(8));
}

#[test]
fn a_gap_at_the_end_does_not_keep_a_reader_from_catching_up() {
    for until_end in [false, true] {
        let log = log_with_gaps();
        log.skip(0, 3);
        let mut source = log.source(GROUP, &Start::Earliest, until_end).unwrap();
        assert_eq!(read(&mut source).len(), 4);
        let split = &source.splits()[0];
        assert!(split.caught_up, "until_end = {until_end}");
        assert_eq!((split.position, split.end, split.lag()), (11, Some(11), Some(0)));

        append(&log, 0, "m-1");
        let next: &[&str] = if until_end { &[] } else { &["orders/0@11"] };
        assert_eq!(read(&mut source), next);
    }
}

#[test]
fn a_position_in_a_gap_goes_on_behind_the_gap() {
    let mut source = from(&log_with_gaps(), Start::At([(0, 2)].into()));
    assert_eq!(read(&mut source), ["orders/0@4", "orders/0@7"]);
}

#[test]
fn lag_is_told_for_each_partition_and_grows_with_what_is_written() {
    let log = log_of(&[&["m-1"; 10], &["m-1"; 3]]);
    let mut source = from(&log, Start::Earliest).with_batch(4);
    assert_eq!(lag(&source), [Some(10), Some(3)]);
    read_polls(&mut source, 2);
    assert_eq!(lag(&source), [Some(6), Some(0)]);
    append(&log, 0, "m-1");
    read_polls(&mut source, 1);
    assert_eq!(lag(&source), [Some(3), Some(0)]);
}

#[test]
fn the_lag_of_a_file_is_unknown_until_its_end_is_seen() {
    let folder = Folder::with(&["x\n".repeat(1_500).as_str()]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    read_polls(&mut files, 1);
    assert_eq!(lag(&files), [None]);
    read(&mut files);
    assert_eq!(lag(&files), [Some(0)]);
    assert_eq!(files.splits()[0].end, Some(1_500));
}

// ---------------------------------------------------------------------------------------------------------------------
// What must not matter

#[test]
fn neither_the_size_of_a_batch_nor_the_source_changes_the_counts() {
    let options = GeneratorOptions {
        orders: 3_000,
        merchants: 40,
        ..GeneratorOptions::default()
    };
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let mut files = [const { Vec::new() }; 3];
    let mut generator = Generator::new(options.clone());
    let mut number = 0;
    while let Some(order) = generator.next_order() {
        *expected.entry(order.merchant_id.clone()).or_default() += 1;
        files[number % 3].extend_from_slice(&order.payload);
        files[number % 3].push(b'\n');
        number += 1;
    }
    let expected: Vec<(&str, u64)> = expected
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();

    let log = generated_log(options, 3);
    for batch in [1, 2, 7, 1_000] {
        let source = from(&log, Start::Earliest).with_batch(batch);
        let job = run(source, Commit::None, OnBadRecord::Fail).unwrap();
        let counts: Vec<(&str, u64)> = job.counts().sorted().into_iter().collect();
        assert_eq!(counts, expected, "batches of {batch}, by name");
    }
    let folder = Folder::with(&files);
    let source = folder.open(&Start::Earliest).unwrap();
    let job = run(source, Commit::None, OnBadRecord::Fail).unwrap();
    let counts: Vec<(&str, u64)> = job.counts().sorted().into_iter().collect();
    assert_eq!(counts, expected, "files, by name");
}

#[test]
fn no_split_runs_far_ahead_of_the_others() {
    let log = log_of(&[&["m-1"; 6], &["m-1"; 6]]);
    let mut source = from(&log, Start::Earliest).with_batch(2);
    read_polls(&mut source, 4);
    assert_eq!(
        Positions::of(source.splits()).to_string(),
        "orders/0@4 orders/1@4"
    );

    let lines = "x\n".repeat(5_000);
    let folder = Folder::with(&[&lines, &lines]);
    let mut files = folder.open(&Start::Earliest).unwrap();
    read_polls(&mut files, 4);
    let positions: Vec<i64> = files.splits().iter().map(|split| split.position).collect();
    assert_eq!(positions, [2_000, 2_000]);
}

#[test]
fn an_end_stays_an_end_and_leaves_no_records_behind() {
    let log = log_of(&[&["m-1"]]);
    let folder = Folder::with(&["a\n"]);
    let sources: [Box<dyn Source>; 2] = [
        Box::new(log.source(GROUP, &Start::Earliest, true).unwrap()),
        Box::new(folder.open(&Start::Earliest).unwrap()),
    ];
    for mut source in sources {
        let mut records = Records::new();
        let polled = [0; 3].map(|_| source.poll(&mut records, Duration::ZERO).unwrap());
        assert_eq!(polled, [Polled::Ready, Polled::End, Polled::End]);
        assert!(records.is_empty());
    }
}

#[test]
fn files_keep_no_group_offsets_and_say_so() {
    let folder = Folder::with(&[&order("m-1")]);
    let files = folder.open(&Start::Earliest).unwrap();
    let error = failure(files, Commit::After);
    assert!(error.contains("--commit needs --brokers"), "{error}");
}

// ---------------------------------------------------------------------------------------------------------------------
// Helpers

const GROUP: &str = "tests";

fn order(merchant: &str) -> String {
    format!("{{\"merchant_id\":\"{merchant}\"}}")
}

fn append(log: &Log, partition: usize, merchant: &str) {
    log.append(partition, None, Some(order(merchant).as_bytes()), None);
}

/// A log that holds, for each partition, an order of each of these merchants.
fn log_of(partitions: &[&[&str]]) -> Log {
    let log = Log::new("orders", partitions.len());
    for (partition, merchants) in partitions.iter().enumerate() {
        merchants
            .iter()
            .for_each(|merchant| append(&log, partition, merchant));
    }
    log
}

/// A good record, one that is not, and another good one.
fn log_with_poison() -> Log {
    let log = log_of(&[&["m-1"]]);
    log.append(0, None, Some(b"poison"), None);
    append(&log, 0, "m-1");
    log
}

fn from(log: &Log, start: Start) -> LogSource {
    log.source(GROUP, &start, false).unwrap()
}

fn at(positions: &[(&str, i64)]) -> Positions {
    positions
        .iter()
        .map(|(split, offset)| (split.to_string(), *offset))
        .collect()
}

/// Polls so often, and says where the records are that came.
fn read_polls(source: &mut impl Source, polls: usize) -> Vec<String> {
    let mut records = Records::new();
    let mut places = Vec::new();
    for _ in 0..polls {
        source.poll(&mut records, Duration::ZERO).unwrap();
        places.extend(
            records
                .iter()
                .map(|record| source.locate(record.partition, record.offset)),
        );
    }
    places
}

/// Reads all there is, and says where the records are that came.
fn read(source: &mut impl Source) -> Vec<String> {
    let mut places = Vec::new();
    loop {
        match read_polls(source, 1) {
            more if more.is_empty() => return places,
            more => places.extend(more),
        }
    }
}

/// Counts all there is.
fn run<S: Source>(source: S, commit: Commit, on_bad_record: OnBadRecord) -> Result<Job<S>, Error> {
    let mut job = Job::new(source, commit, on_bad_record);
    while job.step(Duration::ZERO)? == Polled::Ready {}
    Ok(job)
}

/// Why counting all there is failed.
fn failure(source: impl Source, commit: Commit) -> String {
    let result = run(source, commit, OnBadRecord::Fail).map(drop);
    result.unwrap_err().to_string()
}

fn sorted(mut places: Vec<String>) -> Vec<String> {
    places.sort();
    places
}

fn lag(source: &impl Source) -> Vec<Option<i64>> {
    source.splits().iter().map(Split::lag).collect()
}

/// The split that an error is about, the wanted offset, and the lowest and highest that are available.
fn out_of_range(error: &Error) -> (&str, i64, i64, i64) {
    match error {
        Error::OffsetOutOfRange {
            split,
            wanted,
            low,
            high,
            ..
        } => (split, *wanted, *low, *high),
        other => panic!("{other}"),
    }
}

/// A folder with the files `0.json`, `1.json` and so on.
struct Folder {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

impl Folder {
    fn with(contents: &[impl AsRef<[u8]>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (number, content) in contents.iter().enumerate() {
            let path = folder.path().join(format!("{number}.json"));
            std::fs::write(&path, content).unwrap();
            paths.push(path);
        }
        Folder { folder, paths }
    }

    fn open(&self, start: &Start) -> Result<FileSource, Error> {
        FileSource::open(&self.paths, start)
    }

    /// The name of a file's split.
    fn name(&self, number: usize) -> String {
        self.paths[number].display().to_string()
    }

    /// Places such as `0.json:1`, as a source names them.
    fn places(&self, places: &[&str]) -> Vec<String> {
        let folder = self.folder.path().display();
        places.iter().map(|place| format!("{folder}/{place}")).collect()
    }
}

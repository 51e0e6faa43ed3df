use super::*;
use crate::fault;

const SECOND: Duration = Duration::from_secs(1);

fn strategy(idle_timeout: Option<Duration>) -> Strategy {
    Strategy {
        delay: Span(0),
        grid: Span(1),
        idle_timeout,
        ..Strategy::default()
    }
}

fn splits(caught_up: &[bool]) -> Vec<Split> {
    let split = |(partition, caught_up): (i32, &bool)| Split {
        partition,
        name: format!("orders/{partition}"),
        position: 3,
        end: Some(if *caught_up { 3 } else { 9 }),
        caught_up: *caught_up,
        identity: None,
    };
    (0..).zip(caught_up).map(split).collect()
}

fn at(millis: i64) -> Option<Watermark> {
    Some(Watermark::At(EventTime(millis)))
}

/// Looks as often as a source does that has nothing else to do, until `until`; returns what is said, and when.
fn look(marks: &mut SplitWatermarks, splits: &[Split], from: u64, until: u64) -> Vec<(u64, Watermark)> {
    let looks = (from..=until).step_by(5);
    let said = looks.flat_map(|millis| {
        let said = marks.on_look(Duration::from_millis(millis), splits);
        said.into_iter().map(move |said| (millis, said))
    });
    said.collect()
}

#[test]
fn the_slowest_split_decides_and_rows_of_another_are_not_late_for_it() {
    let mut marks = SplitWatermarks::new(strategy(None));
    let both = splits(&[true, true]);
    assert_eq!(marks.on_start(&both), []);
    assert_eq!(
        marks.on_row(0, EventTime(3_600_000)),
        None,
        "of split 1 nothing is known"
    );
    assert_eq!(marks.on_row(1, EventTime(0)), at(0));
    assert_eq!(marks.on_row(0, EventTime(3_700_000)), None);
    assert_eq!(marks.on_row(1, EventTime(500)), at(500));
    assert_eq!(
        marks.status(&both),
        "watermark 1970-01-01T00:00:00.500Z, held back by orders/1: it is the slowest"
    );
}

#[test]
fn a_source_without_splits_is_idle_from_the_start() {
    let mut marks = SplitWatermarks::new(strategy(None));
    assert_eq!(marks.on_start(&[]), [Watermark::Idle]);
    assert_eq!(marks.status(&[]), "no splits to read, idle");
}

#[test]
fn a_silent_split_is_idle_after_the_timeout_and_a_few_looks_more_and_only_if_it_was_read_to_its_end() {
    let timeout = Duration::from_millis(100);
    for (caught_up, idle) in [(true, true), (false, false)] {
        let mut marks = SplitWatermarks::new(strategy(Some(timeout)));
        let both = splits(&[true, caught_up]);
        let _ = marks.on_start(&both);
        assert_eq!(marks.on_row(1, EventTime(5)), None);
        assert_eq!(marks.on_row(0, EventTime(70)), at(5));
        let mut said = Vec::new();
        for millis in (0..=300).step_by(5) {
            // Split 0 goes on.
            let _ = marks.on_row(0, EventTime(70));
            said.extend(look(&mut marks, &both, millis, millis));
        }
        let wanted = [(100, Watermark::At(EventTime(70)))];
        assert_eq!(said, if idle { wanted.to_vec() } else { Vec::new() });
    }
}

#[test]
fn a_row_ends_idleness_also_one_that_is_behind() {
    let mut marks = SplitWatermarks::new(strategy(Some(Duration::from_millis(20))));
    let both = splits(&[true, true]);
    let _ = marks.on_start(&both);
    let _ = (marks.on_row(0, EventTime(10)), marks.on_row(1, EventTime(5)));
    let all = look(&mut marks, &both, 0, 200);
    let said: Vec<Watermark> = all.into_iter().map(|(_, said)| said).collect();
    assert_eq!(said, [Watermark::At(EventTime(10)), Watermark::Idle]);
    assert_eq!(
        marks.status(&both),
        "watermark 1970-01-01T00:00:00.010Z, all splits are idle"
    );
    // It says again where it is: somebody may have stopped waiting for it.
    assert_eq!(marks.on_row(1, EventTime(4)), at(10));
    assert_eq!(marks.on_row(1, EventTime(12)), at(12));
}

#[test]
fn a_source_that_is_stuck_does_not_call_its_splits_idle() {
    let stuck = |fault| {
        fault::with(fault, || {
            let mut marks = SplitWatermarks::new(strategy(Some(SECOND)));
            let both = splits(&[true, true]);
            let _ = marks.on_start(&both);
            let _ = (marks.on_row(0, EventTime(9_000)), marks.on_row(1, EventTime(5)));
            let _ = marks.on_look(Duration::ZERO, &both);
            // For ten times the timeout, what it had sent did not leave. Then it reads on.
            let said = marks.on_look(10 * SECOND, &both);
            (said, marks.on_row(1, EventTime(8_000)))
        })
    };
    assert_eq!(stuck(None), (vec![], at(8_000)));
    // Else the watermark jumps, and the row that had been waiting comes too late.
    let (said, _) = stuck(Some(Fault::BlockedCountsAsIdle));
    assert_eq!(said, [Watermark::At(EventTime(9_000)), Watermark::Idle]);
}

#[test]
fn a_restored_source_says_at_once_what_it_had_promised() {
    let mut marks = SplitWatermarks::new(strategy(None));
    let both = splits(&[true, true]);
    let _ = marks.on_start(&both);
    let _ = (marks.on_row(0, EventTime(10)), marks.on_row(1, EventTime(5)));
    let parts = marks.parts(&both);
    assert_eq!(parts.len(), 2);
    let restored = |fault| {
        fault::with(fault, || {
            let mut marks = SplitWatermarks::new(strategy(None));
            parts.iter().try_for_each(|part| marks.restore(part, &both))?;
            Outcome::Ok(marks.on_start(&both))
        })
    };
    assert_eq!(restored(None).unwrap(), [Watermark::At(EventTime(5))]);
    assert_eq!(restored(Some(Fault::RestoredSourceIsSilent)).unwrap(), []);
    let mut other = SplitWatermarks::new(strategy(None));
    let error = other.restore(&parts[1], &both[..1]).unwrap_err().to_string();
    assert!(error.contains("not the largest timestamp of a split"), "{error}");
}

#[test]
fn a_restored_source_promises_nothing_for_a_split_of_which_nothing_was_saved() {
    let mut marks = SplitWatermarks::new(strategy(None));
    let both = splits(&[true, true]);
    let _ = marks.on_start(&both);
    assert_eq!(marks.on_row(0, EventTime(10)), None);
    let parts = marks.parts(&both);
    assert_eq!(parts.len(), 1);
    let mut marks = SplitWatermarks::new(strategy(None));
    marks.restore(&parts[0], &both).unwrap();
    assert_eq!(marks.on_start(&both), []);
    assert_eq!(marks.on_row(1, EventTime(3)), at(3), "it was not late");
}

#[test]
fn status_names_the_split_to_blame() {
    let mut marks = SplitWatermarks::new(strategy(Some(30 * SECOND)));
    let both = splits(&[true, false]);
    let _ = marks.on_start(&both);
    let _ = marks.on_row(0, EventTime(10));
    assert_eq!(
        marks.status(&both),
        "no watermark yet, held back by orders/1: no record of it was read yet"
    );
    let both = splits(&[true, true]);
    let _ = marks.on_row(1, EventTime(3));
    let _ = look(&mut marks, &both, 0, 12_000);
    assert_eq!(
        marks.status(&both),
        "watermark 1970-01-01T00:00:00.003Z, held back by orders/1: no record for 12 s, idle after 30 s"
    );
    let mut marks = SplitWatermarks::new(strategy(None));
    let _ = marks.on_start(&both);
    let _ = (marks.on_row(0, EventTime(10)), marks.on_row(1, EventTime(3)));
    let _ = look(&mut marks, &both, 0, 12_000);
    assert_eq!(
        marks.status(&both),
        "watermark 1970-01-01T00:00:00.003Z, held back by orders/1: no record for 12 s, \
         never idle: there is no idle timeout"
    );
}

/// Broken records arrive all the time. They say nothing about time, so nothing can wait for them.
#[test]
fn a_split_whose_records_have_no_time_is_idle_like_a_silent_one() {
    let timeout = Duration::from_millis(100);
    let mut marks = SplitWatermarks::new(strategy(Some(timeout)));
    let _ = marks.on_start(&splits(&[true, true]));
    assert_eq!(marks.on_row(0, EventTime(70)), None);
    let mut said = Vec::new();
    for millis in (0..=200).step_by(5) {
        let _ = marks.on_row(0, EventTime(70));
        // Every other look finds a broken record, and so not the end of the split.
        let reads = millis % 10 == 0;
        if reads {
            marks.on_bad_record(1);
        }
        said.extend(look(&mut marks, &splits(&[true, !reads]), millis, millis));
        if millis == 100 {
            assert_eq!(
                marks.status(&splits(&[true, true])),
                "no watermark yet, held back by orders/1: 11 records, none with a time, idle after 0.1 s"
            );
        }
    }
    // Looks that do not find the end do not count: it takes twice as long.
    assert_eq!(said, [(195, Watermark::At(EventTime(70)))]);
    assert_eq!(marks.statuses(&splits(&[true, true]))[1].unusable, 21);
    assert_eq!(
        marks.on_row(1, EventTime(60)),
        None,
        "a row ends it; it is behind"
    );
    assert_eq!(marks.on_row(1, EventTime(80)), None, "0 holds the watermark now");
    assert_eq!(marks.on_row(0, EventTime(90)), at(80));
}

/// However many broken records there are: what lies behind them may be in time.
#[test]
fn a_split_with_more_to_read_is_not_idle_whatever_it_has_brought_so_far() {
    let mut marks = SplitWatermarks::new(strategy(Some(SECOND)));
    let _ = marks.on_start(&splits(&[true]));
    for millis in 0..10_000 {
        marks.on_bad_record(0);
        assert_eq!(
            marks.on_look(Duration::from_millis(millis), &splits(&[false])),
            []
        );
    }
    assert_eq!(marks.on_row(0, EventTime(5)), at(5));
}

fn refuses_beyond(max_ahead: i64) -> SplitWatermarks {
    let mut marks = SplitWatermarks::new(Strategy {
        max_ahead: Some(Span(max_ahead)),
        ..strategy(None)
    });
    let _ = marks.on_start(&splits(&[true, true]));
    marks
}

#[test]
fn a_row_too_far_ahead_of_its_own_split_is_refused_and_moves_nothing() {
    let mut marks = refuses_beyond(1_000);
    let mut reads = |partition, millis| {
        let ts = EventTime(millis);
        let taken = marks.check(partition, ts, None);
        taken.is_ok().then(|| marks.on_row(partition, ts))
    };
    assert_eq!(reads(0, 5_000), Some(None), "the first is believed");
    assert_eq!(
        reads(1, 0),
        Some(at(0)),
        "and that of another split is another clock"
    );
    assert_eq!(reads(0, 6_000), Some(None));
    assert_eq!(reads(0, 7_001), None);
    assert_eq!(reads(0, i64::MAX), None);
    assert_eq!(reads(0, 6_001), Some(None), "7001 has not moved its clock");
    assert_eq!(reads(1, 1_000), Some(at(1_000)));
}

/// Both come from the input, so each run refuses the same rows.
#[test]
fn the_clock_of_a_split_is_also_when_its_records_were_written() {
    let (mut marks, written) = (refuses_beyond(1_000), |millis| Some(EventTime(millis)));
    let mut is_taken = |millis, written| {
        let taken = marks.check(0, EventTime(millis), written).is_ok();
        if taken {
            let _ = marks.on_row(0, EventTime(millis));
        }
        taken
    };
    assert!(
        !is_taken(4_070_908_800_000, written(5_000)),
        "the first row, in 2099"
    );
    assert!(is_taken(5_000, written(5_000)));
    // A pause of the whole split, longer than the limit: the records behind it were written behind it.
    assert!(is_taken(60_000, written(60_100)));
    // What was written late is compared with what came before it.
    assert!(is_taken(61_000, written(0)));
    assert!(!is_taken(62_001, written(0)));
}

#[test]
fn a_refusal_says_how_far_ahead_of_what() {
    let marks = &mut refuses_beyond(3_600_000);
    let _ = marks.on_row(0, EventTime(0));
    let bad = marks.check(0, EventTime(7_200_000), None).unwrap_err();
    assert_eq!(bad.reason.to_string(), "ts is too far ahead");
    assert_eq!(
        bad.detail.unwrap(),
        "1970-01-01T02:00:00.000Z is 2h after 1970-01-01T00:00:00.000Z, the latest time that its partition has come to, \
         and --max-ahead is 1h"
    );
}

#[test]
fn a_restored_split_refuses_what_it_would_have_refused() {
    let mut marks = refuses_beyond(1_000);
    let _ = marks.on_row(0, EventTime(5_000));
    let parts = marks.parts(&splits(&[true, true]));
    let mut again = refuses_beyond(1_000);
    again.restore(&parts[0], &splits(&[true, true])).unwrap();
    for (millis, is_taken) in [(6_000, true), (6_001, false)] {
        for marks in [&mut marks, &mut again] {
            assert_eq!(marks.check(0, EventTime(millis), None).is_ok(), is_taken);
        }
    }
}

fn aligned(max_drift: i64) -> SplitWatermarks {
    let alignment = Alignment::of_sources(Some(Span(max_drift)), 1).next();
    let mut marks = SplitWatermarks::new(strategy(Some(SECOND))).aligned(alignment);
    let _ = marks.on_start(&splits(&[true, true]));
    marks
}

#[test]
fn a_split_that_pauses_is_neither_silent_nor_idle_and_its_rows_are_not_late() {
    let mut marks = aligned(30);
    let both = splits(&[true, true]);
    let _ = (marks.on_row(0, EventTime(1_000)), marks.on_row(1, EventTime(0)));
    assert_eq!(marks.on_splits(&both), Some(&[0][..]));
    // For ten seconds, only 1 is read, ever so slowly.
    for millis in (0..10_000).step_by(5) {
        let _ = marks.on_row(1, EventTime(0));
        assert_eq!(marks.on_look(Duration::from_millis(millis), &both), []);
    }
    assert!(marks.statuses(&both)[0].pauses && !marks.statuses(&both)[0].is_idle);
    assert_eq!(marks.on_row(1, EventTime(2_000)), at(1_000), "0 holds it now");
    // 1 is ahead now, and 0 goes on.
    assert_eq!(marks.on_splits(&both), Some(&[1][..]));
    assert_eq!(marks.on_row(0, EventTime(1_001)), at(1_001));
}

#[test]
fn nobody_waits_for_an_idle_split_or_for_one_that_has_come_to_its_end() {
    let both = splits(&[false, true]);
    for (is_bounded, until) in [(true, 0), (false, 2_000)] {
        let mut marks = aligned(30);
        marks.set_bounded(is_bounded);
        let _ = (marks.on_row(0, EventTime(1_000)), marks.on_row(1, EventTime(0)));
        let pauses = (!is_bounded).then_some(&[0][..]);
        assert_eq!(marks.on_splits(&both), pauses);
        let _ = look(&mut marks, &both, 0, until);
        assert_eq!(marks.on_splits(&both), pauses.map(|_| &[][..]));
        assert!(!marks.statuses(&both)[0].pauses);
    }
}

#[test]
fn the_table_shows_each_split_and_marks_the_one_that_holds_the_watermark() {
    let mut marks = aligned(30);
    let both = splits(&[false, true]);
    let _ = (marks.on_row(0, EventTime(61_000)), marks.on_row(1, EventTime(0)));
    marks.on_bad_record(1);
    let _ = marks.on_splits(&both);
    let table = marks
        .statuses(&both)
        .into_iter()
        .map(|split| format!("{split}\n"));
    let table: String = std::iter::once(format!("{}\n", status::HEADINGS))
        .chain(table)
        .collect();
    insta::assert_snapshot!(table);
}

/// If a row or a look searched all splits for each of them, this would take minutes.
#[test]
fn thousands_of_splits_are_no_more_work_for_each_of_them() {
    let mut marks = SplitWatermarks::new(strategy(Some(SECOND)));
    let splits = splits(&[true; 20_000]);
    assert!(marks.on_start(&splits).is_empty());
    for partition in 0..20_000 {
        let moved = marks.on_row(partition, EventTime(7));
        assert_eq!(moved.is_some(), partition == 19_999);
    }
    let said = look(&mut marks, &splits, 0, 1_500);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(marks.statuses(&splits).iter().all(|split| split.is_idle));
}

use super::*;
use crate::fault;

const SECOND: Duration = Duration::from_secs(1);

fn strategy(idle_timeout: Option<Duration>) -> Strategy {
    Strategy {
        delay: Span(0),
        grid: Span(1),
        idle_timeout,
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

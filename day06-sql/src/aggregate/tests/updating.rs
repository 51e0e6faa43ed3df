//! [`GroupBy`]: every changelog is valid and adds up to what a batch query says.

use std::collections::BTreeMap;

use super::*;
use crate::aggregate::changes::{Folded, words};
use crate::aggregate::group::owner_of_all;
use crate::aggregate::{AggregateError, GroupBy};
use Change::{Delete, Insert, UpdateAfter, UpdateBefore};

/// Something that happens to a table. A number says which row, counted round.
#[derive(Debug, Clone)]
enum Step {
    Insert(Row),
    Delete(usize),
    Update(usize, Row),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => a_row().prop_map(Step::Insert),
        2 => (0..100_usize).prop_map(Step::Delete),
        2 => (0..100_usize, a_row()).prop_map(|(place, row)| Step::Update(place, row)),
    ];
    proptest::collection::vec(step, 0..120)
}

/// The changes of a table to which all this happens.
fn changelog(steps: &[Step]) -> Vec<(Change, Row)> {
    let (mut table, mut log): (Vec<Row>, Vec<(Change, Row)>) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Insert(row) => {
                table.push(row.clone());
                log.push((Insert, row.clone()));
            }
            Step::Delete(_) | Step::Update(..) if table.is_empty() => {}
            Step::Delete(place) => log.push((Delete, table.swap_remove(place % table.len()))),
            Step::Update(place, row) => {
                let place = place % table.len();
                let before = std::mem::replace(&mut table[place], row.clone());
                log.extend([(UpdateBefore, before), (UpdateAfter, row.clone())]);
            }
        }
    }
    log
}

/// The table of the result of a batch query over what the changes have left.
fn batch(calls: &Calls, changes: &[(Change, Row)], keys: &[usize]) -> Folded {
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    if keys.is_empty() {
        groups.entry("[]".to_string()).or_default();
    }
    for (change, row) in changes {
        let key: Vec<&Scalar> = keys.iter().map(|key| &row[*key]).collect();
        let rows = groups.entry(format!("{key:?}")).or_default();
        match rows.iter().position(|other| !change.adds() && other == row) {
            Some(place) => _ = rows.swap_remove(place),
            None => rows.push(row.clone()),
        }
    }
    let types = keys.iter().map(|key| COLUMNS[*key]);
    let mut result = Chunk::of(types.chain(calls.all().iter().map(Call::data_type)));
    for rows in groups
        .into_values()
        .filter(|rows| keys.is_empty() || !rows.is_empty())
    {
        let key = keys.iter().map(|key| rows[0][*key].clone());
        let row: Vec<Scalar> = key.chain(evaluate(calls, &rows)).collect();
        result.push(Insert, &row).unwrap();
    }
    let mut table = Folded::default();
    table.apply(&result).unwrap();
    table
}

fn workers(calls: &Calls, keys: &[usize], workers: usize) -> Vec<GroupBy> {
    let types: Vec<DataType> = keys.iter().map(|key| COLUMNS[*key]).collect();
    let owner = owner_of_all(workers);
    let worker = |worker| GroupBy::new(types.clone(), calls.clone(), worker == owner);
    (0..workers).map(worker).collect()
}

/// Each group comes out once a chunk, an update in two rows side by side, and never as it was.
fn assert_coalesced(out: &Chunk, keys: usize) {
    let key = |row: usize| format!("{:?}", &out.row(row)[..keys]);
    let mut seen = Vec::new();
    let mut row = 0;
    while row < out.rows {
        seen.push(key(row));
        row += match out.change(row) {
            Insert | Delete => 1,
            UpdateBefore => {
                assert_eq!((out.change(row + 1), key(row + 1)), (UpdateAfter, key(row)));
                assert_ne!(format!("{:?}", out.row(row)), format!("{:?}", out.row(row + 1)));
                2
            }
            UpdateAfter => panic!("a +U without its -U"),
        };
    }
    let groups = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), groups, "a group comes out twice");
}

/// Runs changes in chunks of this size through one number of workers and, from the middle on, through
/// another.
fn check(log: &[(Change, Row)], size: usize, keys: &[usize], (first, then): (usize, usize)) {
    let calls = retractable_calls();
    let mut groups = workers(&calls, keys, first);
    let mut table = Folded::default();
    for group in &mut groups {
        let mut out = Chunk::default();
        group.on_start(&mut out).unwrap();
        table.apply(&out).unwrap();
    }
    assert_eq!(table, batch(&calls, &[], keys));
    let chunks = chunks(log, size, keys);
    let (half, mut taken) = (chunks.len() / 2, 0);
    for (nth, chunk) in chunks.into_iter().enumerate() {
        if nth == half {
            groups = replace(&mut groups, workers(&calls, keys, then));
        }
        taken += chunk.chunk.rows;
        for (group, chunk) in groups
            .iter_mut()
            .zip(scatter(chunk, if nth < half { first } else { then }))
        {
            let mut out = Chunk::default();
            group.on_chunk(&chunk, &mut out).unwrap();
            assert_coalesced(&out, keys.len());
            table.apply(&out).unwrap();
        }
        assert_eq!(table, batch(&calls, &log[..taken], keys));
    }
    let left: usize = groups.iter().map(GroupBy::groups).sum();
    assert_eq!(left as u64, table.len(), "groups without rows are gone");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_changelog_is_valid_at_every_prefix_and_adds_up_to_the_batch_answer(
        steps in steps(),
        size in prop_oneof![Just(1_usize), Just(2), Just(7), Just(1_000)],
        keys in prop_oneof![Just(vec![0_usize]), Just(vec![0, 1]), Just(vec![])],
        widths in (1..4_usize, 1..4_usize),
    ) {
        check(&changelog(&steps), size, &keys, widths);
    }

    #[test]
    fn minima_and_maxima_of_an_input_that_grows_are_those_of_the_batch_answer(
        rows in proptest::collection::vec(a_row(), 0..60),
        size in prop_oneof![Just(1_usize), Just(7), Just(1_000)],
    ) {
        let calls = all_calls();
        let log: Vec<(Change, Row)> = rows.into_iter().map(|row| (Insert, row)).collect();
        let mut groups = workers(&calls, &[0], 1);
        let (mut table, mut taken) = (Folded::default(), 0);
        for (nth, chunk) in chunks(&log, size, &[0]).into_iter().enumerate() {
            if nth == 2 {
                groups = replace(&mut groups, workers(&calls, &[0], 1));
            }
            let mut out = Chunk::default();
            groups[0].on_chunk(&chunk, &mut out).unwrap();
            taken += chunk.chunk.rows;
            table.apply(&out).unwrap();
            prop_assert_eq!(&table, &batch(&calls, &log[..taken], &[0]));
        }
    }
}

/// Rows of merchants, and nothing else in them.
fn of_merchants(rows: &[(Change, &str)]) -> Vec<(Change, Row)> {
    let row = |merchant: &str| {
        let mut row = [const { Scalar::Null }; 5];
        row[0] = Scalar::Varchar(merchant.to_string().into());
        row
    };
    rows.iter()
        .map(|(change, merchant)| (*change, row(merchant)))
        .collect()
}

/// `+I[m, 1]`, as a sink prints it.
fn printed(out: &Chunk) -> Vec<String> {
    let row = |row: usize| format!("{}[{}]", out.change(row), words(&out.row(row)));
    (0..out.rows).map(row).collect()
}

/// What `SELECT merchant, COUNT(*)` makes of these rows in chunks of this size.
fn counted(rows: &[(Change, &str)], size: usize) -> Vec<String> {
    let mut group = GroupBy::new(
        vec![DataType::Varchar],
        Calls::new(vec![Call::count_rows()]),
        true,
    );
    let mut out = Chunk::default();
    for chunk in chunks(&of_merchants(rows), size, &[0]) {
        group.on_chunk(&chunk, &mut out).unwrap();
    }
    printed(&out)
}

#[test]
fn orders_one_by_one_count_up_as_flink_prints_it() {
    let orders = [(Insert, "m"), (Insert, "m"), (Insert, "n")];
    assert_eq!(
        counted(&orders, 1),
        ["+I[m, 1]", "-U[m, 1]", "+U[m, 2]", "+I[n, 1]"]
    );
    assert_eq!(counted(&orders, 3), ["+I[m, 2]", "+I[n, 1]"]);
}

#[test]
fn what_a_chunk_undoes_itself_is_not_said() {
    type Rows<'a> = [(Change, &'a str)];
    #[rustfmt::skip]
    let table: [(&Rows<'_>, &[&str]); 5] = [
        (&[(Insert, "m"), (Delete, "m")],                                    &[]),
        (&[(Insert, "m"), (UpdateBefore, "m"), (UpdateAfter, "m")],          &["+I[m, 1]"]),
        (&[(Insert, "m"), (UpdateBefore, "m"), (UpdateAfter, "n")],          &["+I[n, 1]"]),
        (&[(Insert, "b"), (Insert, "a"), (Insert, "b")],                     &["+I[b, 2]", "+I[a, 1]"]),
        (&[(Insert, "m"), (Delete, "m"), (Insert, "m")],                     &["+I[m, 1]"]),
    ];
    for (rows, said) in table {
        assert_eq!(counted(rows, 1_000), said, "{rows:?}");
    }
    // The key of a row changes: a row less here, a row more there. Then the last one goes.
    let moved = [
        (Insert, "a"),
        (Insert, "a"),
        (UpdateBefore, "a"),
        (UpdateAfter, "b"),
        (Delete, "b"),
        (Delete, "a"),
    ];
    assert_eq!(
        counted(&moved, 2),
        [
            "+I[a, 2]", "-U[a, 2]", "+U[a, 1]", "+I[b, 1]", "-D[b, 1]", "-D[a, 1]"
        ]
    );
}

/// A row with a number, of one merchant.
fn number(value: i64) -> Row {
    let mut row = of_merchants(&[(Insert, "m")])[0].1.clone();
    row[1] = Scalar::BigInt(value);
    row
}

#[test]
fn a_result_that_stays_as_it_is_is_not_said_again() {
    let calls = Calls::new(vec![Call::of(Max, 1, DataType::BigInt).unwrap()]);
    let mut group = GroupBy::new(vec![DataType::Varchar], calls, true);
    let mut out = Chunk::default();
    for chunk in chunks(&[5, 3, 5, 6].map(|value| (Insert, number(value))), 1, &[0]) {
        group.on_chunk(&chunk, &mut out).unwrap();
    }
    assert_eq!(printed(&out), ["+I[m, 5]", "-U[m, 5]", "+U[m, 6]"]);
}

#[test]
fn without_a_key_there_is_one_row_from_the_beginning_and_for_ever_on_one_worker() {
    let calls = Calls::new(vec![
        Call::count_rows(),
        Call::of(Sum, 1, DataType::BigInt).unwrap(),
    ]);
    let mut groups = workers(&calls, &[], 3);
    let mut said = Vec::new();
    for group in &mut groups {
        let mut out = Chunk::default();
        group.on_start(&mut out).unwrap();
        group.on_start(&mut out).unwrap();
        said.extend(printed(&out));
    }
    assert_eq!(said, ["+I[0, null]"]);
    let owner = &mut groups[owner_of_all(3)];
    let mut out = Chunk::default();
    for chunk in chunks(&[(Insert, number(7)), (Delete, number(7))], 1, &[]) {
        owner.on_chunk(&chunk, &mut out).unwrap();
    }
    assert_eq!(
        printed(&out),
        ["-U[0, null]", "+U[1, 7]", "-U[1, 7]", "+U[0, null]"]
    );
    // A restore does not say it again.
    let mut restored = replace(&mut groups, workers(&calls, &[], 2));
    for group in &mut restored {
        let mut out = Chunk::default();
        group.on_start(&mut out).unwrap();
        assert_eq!(out.rows, 0);
    }
}

fn refused(calls: Vec<Call>, rows: &[(Change, Row)]) -> AggregateError {
    let mut group = GroupBy::new(vec![DataType::Varchar], Calls::new(calls), true);
    let mut out = Chunk::default();
    let mut results = chunks(rows, 1, &[0])
        .into_iter()
        .map(|chunk| group.on_chunk(&chunk, &mut out));
    results.find_map(Result::err).unwrap()
}

#[test]
fn a_row_that_was_never_there_cannot_be_taken_back() {
    let count = vec![Call::count_rows()];
    let error = refused(count.clone(), &of_merchants(&[(Insert, "n"), (Delete, "m")]));
    assert_eq!(
        error.to_string(),
        "group (m): a row is taken back that was never there; the input is no changelog"
    );
    // Nor a value, in place of NULL.
    let values = vec![Call::of(Count, 1, DataType::BigInt).unwrap()];
    let [null] = of_merchants(&[(Insert, "m")]).try_into().unwrap();
    let error = refused(values, &[null, (Delete, number(7))]);
    assert!(matches!(error, AggregateError::UnknownRow { .. }), "{error}");
    // Not even if it comes later in the same chunk.
    let mut group = GroupBy::new(vec![DataType::Varchar], Calls::new(count), true);
    let rows = of_merchants(&[(Delete, "m"), (Insert, "m")]);
    assert!(
        group
            .on_chunk(&chunks(&rows, 2, &[0])[0], &mut Chunk::default())
            .is_err()
    );
}

#[test]
fn errors_name_the_aggregate_and_the_group() {
    let sum = Call::of(Sum, 1, DataType::BigInt).unwrap();
    let error = refused(vec![sum], &[i64::MAX, 1].map(|value| (Insert, number(value))));
    assert_eq!(
        error.to_string(),
        "SUM(BIGINT) of group (m): the sum does not fit in its type"
    );
    let max = Call::of(Max, 1, DataType::BigInt).unwrap();
    let error = refused(vec![max], &[Insert, Delete].map(|change| (change, number(1))));
    assert_eq!(
        error.to_string(),
        "MAX(BIGINT) cannot take rows back, and its input does; it needs an input that only grows"
    );
    let text = Call::of(Sum, 0, DataType::Int).unwrap();
    let error = refused(vec![text], &[(Insert, number(1))]);
    assert_eq!(
        error.to_string(),
        "column 0 of the input is VARCHAR, and SUM(INT) was planned over another type"
    );
}

#[test]
fn a_snapshot_does_not_change_with_the_groups_and_equal_groups_give_equal_bytes() {
    let row = |change, key| of_merchants(&[(change, key)])[0].clone();
    let make = || {
        GroupBy::new(
            vec![DataType::Varchar],
            Calls::new(vec![Call::count_rows()]),
            true,
        )
    };
    let run = |group: &mut GroupBy, rows: &[(Change, Row)]| {
        for chunk in chunks(rows, 1, &[0]) {
            group.on_chunk(&chunk, &mut Chunk::default()).unwrap();
        }
    };
    let (mut one, mut other) = (make(), make());
    run(
        &mut one,
        &[
            row(Insert, "a"),
            row(Insert, "b"),
            row(Insert, "c"),
            row(Delete, "c"),
        ],
    );
    run(&mut other, &[row(Insert, "b"), row(Insert, "a")]);
    let frozen = one.snapshot(1);
    run(&mut one, &[row(Delete, "a"), row(Insert, "z")]);
    let parts = frozen.parts();
    assert_eq!(parts, other.snapshot(1).parts());
    let mut restored = make();
    restored.restore(parts.clone()).unwrap();
    assert_eq!(restored.snapshot(2).parts(), parts);
    let by_others =
        GroupBy::new(vec![DataType::Int], Calls::new(vec![Call::count_rows()]), true).restore(parts);
    assert!(
        by_others
            .unwrap_err()
            .to_string()
            .contains("COUNT(*) by (VARCHAR)")
    );
}

//! Accumulators, one value at a time.

use super::*;

const NUMERIC: Acc = Acc::Exact {
    values: 0,
    sum: Wide(0),
    scale: 0,
};

fn numeric(text: &str) -> Scalar {
    Scalar::Numeric(text.parse().unwrap())
}

#[test]
fn an_accumulator_is_small() {
    assert_eq!(size_of::<Acc>(), 32);
    assert_eq!(size_of::<Accs>(), 48);
}

#[test]
fn a_sum_of_decimals_is_exact_where_decimals_themselves_would_round() {
    let mut acc = NUMERIC;
    let large = "79228162514264337593543950335";
    for value in [large, "0.1", "0.02"] {
        acc.add(&numeric(value)).unwrap();
    }
    acc.retract(&numeric(large)).unwrap();
    let Acc::Exact { values, sum, scale } = acc else {
        unreachable!()
    };
    assert_eq!((values, { sum.0 }, scale), (2, 12, 2));
}

#[test]
fn a_sum_of_which_nothing_is_left_is_a_new_one() {
    let mut acc = NUMERIC;
    acc.add(&numeric("1.50")).unwrap();
    acc.retract(&numeric("1.50")).unwrap();
    assert_eq!(acc, NUMERIC);
    let mut acc = Acc::Doubles { values: 0, sum: 0.0 };
    acc.add(&Scalar::Double(f64::INFINITY)).unwrap();
    acc.retract(&Scalar::Double(f64::INFINITY)).unwrap();
    assert_eq!(acc, Acc::Doubles { values: 0, sum: 0.0 });
}

#[test]
fn what_does_not_fit_is_an_error() {
    let mut acc = NUMERIC;
    acc.add(&numeric("79228162514264337593543950335")).unwrap();
    let tiny = numeric("0.0000000000000000000000000001");
    assert_eq!(acc.add(&tiny), Err(Overflow("sum")));
    assert_eq!(Acc::Count(0).retract(&Scalar::Int(1)), Err(Overflow("count")));
    assert_eq!(Acc::Count(u64::MAX).add(&Scalar::Int(1)), Err(Overflow("count")));
}

#[test]
fn a_sum_of_doubles_that_is_too_large_is_infinite() {
    let mut acc = Acc::Doubles { values: 0, sum: 0.0 };
    acc.add(&Scalar::Double(f64::MAX)).unwrap();
    acc.add(&Scalar::Double(f64::MAX)).unwrap();
    let (values, sum) = (2, f64::INFINITY);
    assert_eq!(acc, Acc::Doubles { values, sum });
}

#[test]
fn null_makes_no_difference_to_any_accumulator() {
    let max = Acc::Max(Scalar::Int(3));
    for acc in [Acc::Count(2), NUMERIC, max, Acc::Min(Scalar::Null)] {
        let mut same = acc.clone();
        same.add(&Scalar::Null).unwrap();
        same.retract(&Scalar::Null).unwrap();
        assert_eq!(same, acc);
    }
}

#[test]
fn an_extreme_without_a_value_gives_way_to_any_and_to_none() {
    for (mut acc, one) in [
        (Acc::Min(Scalar::Null), Acc::Min(Scalar::Int(5))),
        (Acc::Max(Scalar::Null), Acc::Max(Scalar::Int(5))),
    ] {
        let none = acc.clone();
        acc.merge(&none).unwrap();
        assert_eq!(acc, none);
        acc.merge(&one).unwrap();
        acc.merge(&none).unwrap();
        assert_eq!(acc, one);
    }
}

#[test]
fn of_equal_values_the_plainer_one_wins_whichever_comes_first() {
    let double = Scalar::Double;
    for pair in [[numeric("1.0"), numeric("1.00")], [double(0.0), double(-0.0)]] {
        for (mut acc, order) in [(Acc::Min(Scalar::Null), [0, 1]), (Acc::Max(Scalar::Null), [1, 0])] {
            order.into_iter().for_each(|nth| acc.add(&pair[nth]).unwrap());
            let best = acc.best().unwrap().0.to_string();
            assert_eq!(best, pair[0].to_string());
        }
    }
}

#[test]
fn extremes_of_texts_are_found_in_columns_as_by_values() {
    let texts = ["m", "b", "z", "b", "y"];
    let column = Column::of(Values::Varchar(texts.into_iter().collect()));
    for (mut acc, best) in [(Acc::Min(Scalar::Null), "b"), (Acc::Max(Scalar::Null), "z")] {
        let mut by_value = acc.clone();
        for row in 0..texts.len() {
            acc.extreme_at(&column, row).unwrap();
            by_value.add(&column.get(row)).unwrap();
            assert_eq!(acc, by_value);
        }
        assert_eq!(acc.best().unwrap().0, &Scalar::Varchar(best.into()));
    }
}

#[test]
fn a_value_of_another_type_and_a_row_taken_back_from_an_extreme_are_refused() {
    let text = Scalar::Varchar("7".into());
    assert!(NUMERIC.clone().add(&text).is_err());
    assert!(NUMERIC.clone().add(&Scalar::Double(7.0)).is_err());
    assert!(NUMERIC.clone().merge(&Acc::Count(1)).is_err());
    assert!(Acc::Min(Scalar::Int(1)).merge(&Acc::Max(Scalar::Int(1))).is_err());
    assert!(Acc::Max(Scalar::Int(1)).retract(&Scalar::Int(1)).is_err());
}

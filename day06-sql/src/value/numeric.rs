//! Arithmetic of NUMERIC: exact as far as 28 digits reach.
//!
//! A NUMERIC is a whole number and a *scale*, the number of digits behind the point: 1.50 has scale
//! 2. 1.5 and 1.50 are equal, but print differently, so the scale of a result is part of the
//! result:
//!
//! ```text
//! a + b, a - b, a % b    the larger scale        1.5 + 1.25 = 2.75     1.50 + 0 = 1.50
//! a * b                  the sum of the scales   1.5 * 1.25 = 1.875
//! a / b                  as many digits as are   1.00 / 4 = 0.25       1.00 / 2 = 0.50
//!                        needed or fit, and at   1 / 3 = 0.3333333333333333333333333333
//!                        least the larger scale
//! ```
//!
//! So a quotient has all of the 16 digits that PostgreSQL gives at least, unless it begins more
//! than twelve places behind the point. A result whose digits behind the point do not all fit is
//! rounded at its end; one whose digits in front of it do not fit (more than 7.9e28) is none. There
//! is no negative zero, no NaN and no infinity.

use rust_decimal::{Decimal, RoundingStrategy};

/// The sum, if it fits.
pub fn plus(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_add(b)
        .map(|sum| with_scale(sum, a.scale().max(b.scale())))
}

/// The difference, if it fits.
pub fn minus(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_sub(b)
        .map(|difference| with_scale(difference, a.scale().max(b.scale())))
}

/// The product, if it fits.
pub fn times(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_mul(b)
        .map(|product| with_scale(product, a.scale() + b.scale()))
}

/// The quotient, if it fits and `b` is not zero.
pub fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    // The library may leave zeros at the end, depending on how it came to the digits.
    a.checked_div(b)
        .map(|quotient| with_scale(quotient.normalize(), a.scale().max(b.scale())))
}

/// What is left of `a`, with its sign; none if `b` is zero.
pub fn modulo(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_rem(b)
        .map(|rest| with_scale(rest, a.scale().max(b.scale())))
}

/// The same number with the other sign; zero has none.
pub fn negate(a: Decimal) -> Decimal {
    without_sign_of_zero(-a)
}

/// As a value of NUMERIC(precision, scale): rounded half away from zero to exactly that scale. None
/// if it has more than precision − scale digits in front of the point. Without precision and scale,
/// as it is.
pub fn fit(number: Decimal, declared: Option<(u8, u8)>) -> Option<Decimal> {
    let Some((precision, scale)) = declared else {
        return Some(number);
    };
    let scale = u32::from(scale);
    let mut rounded = without_sign_of_zero(round(number, scale));
    rounded.rescale(scale);
    let largest = 10_i128.saturating_pow(u32::from(precision));
    (rounded.scale() == scale && rounded.mantissa().abs() < largest).then_some(rounded)
}

/// Whether a number, once it is rounded to so many digits behind the point, has at most so many in all.
pub(super) fn fits_digits(number: Decimal, precision: u8, scale: u8) -> bool {
    let whole = round(number, u32::from(scale)).trunc().mantissa().unsigned_abs();
    whole < 10_u128.saturating_pow(u32::from(precision.saturating_sub(scale)))
}

/// Rounded half away from zero.
pub fn round(number: Decimal, scale: u32) -> Decimal {
    number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
}

/// The number whose digits are printed for this double; none for NaN, infinities and what is too
/// large.
pub fn from_double(value: f64) -> Option<Decimal> {
    let number: Option<Decimal> = value.to_string().parse().ok();
    number.map(without_sign_of_zero)
}

/// The double that is nearest.
pub fn to_double(number: Decimal) -> Option<f64> {
    number.array_string().as_ref().parse().ok()
}

/// With at least so many digits behind the point, as far as they fit.
fn with_scale(mut number: Decimal, scale: u32) -> Decimal {
    if number.scale() < scale {
        number.rescale(scale.min(Decimal::MAX_SCALE));
    }
    without_sign_of_zero(number)
}

/// The same number; zero has no sign.
pub(super) fn without_sign_of_zero(mut number: Decimal) -> Decimal {
    if number.is_zero() {
        number.set_sign_positive(true);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_result_has_the_scale_of_the_rules() {
        type Operation = fn(Decimal, Decimal) -> Option<Decimal>;
        #[rustfmt::skip]
        let table: [(Operation, &str, &str, &str); 20] = [
            (plus,   "1.5",   "1.25",  "2.75"),
            (plus,   "1.50",  "0",     "1.50"),
            (plus,   "0.00",  "1",     "1.00"),
            (plus,   "-1.50", "1.5",   "0.00"),
            (minus,  "1",     "0.001", "0.999"),
            (minus,  "0",     "0.10",  "-0.10"),
            (minus,  "1.0",   "1.0",   "0.0"),
            (times,  "1.5",   "1.25",  "1.875"),
            (times,  "2.50",  "4.0",   "10.000"),
            (times,  "0.0",   "-7.25", "0.000"),
            (divide, "1.00",  "4",     "0.25"),
            (divide, "1.00",  "2",     "0.50"),
            (divide, "0.00",  "3",     "0.00"),
            (divide, "1",     "3",     "0.3333333333333333333333333333"),
            (divide, "2",     "3",     "0.6666666666666666666666666667"),
            (divide, "-7",    "2",     "-3.5"),
            (modulo, "7.5",   "2",     "1.5"),
            (modulo, "-7.5",  "2.00",  "-1.50"),
            (modulo, "7",     "-2",    "1"),
            (modulo, "6.0",   "2",     "0.0"),
        ];
        for (operation, a, b, result) in table {
            let printed = operation(number(a), number(b)).map(|result| result.to_string());
            assert_eq!(printed.as_deref(), Some(result), "{a} and {b}");
        }
    }

    #[test]
    fn what_does_not_fit_is_no_result() {
        let largest = Decimal::MAX;
        let one = Decimal::ONE;
        assert_eq!(plus(largest, one), None);
        assert_eq!(minus(-largest, one), None);
        assert_eq!(times(largest, number("2")), None);
        assert_eq!(divide(one, number("0.00")), None);
        assert_eq!(modulo(one, Decimal::ZERO), None);
        assert_eq!(divide(largest, number("0.1")), None);
    }

    #[test]
    fn a_declared_scale_rounds_half_away_from_zero_and_a_declared_precision_ends() {
        #[rustfmt::skip]
        let table = [
            ("1.005",   (4, 2),  Some("1.01")),
            ("-1.005",  (4, 2),  Some("-1.01")),
            ("1.0049",  (4, 2),  Some("1.00")),
            ("7",       (4, 2),  Some("7.00")),
            ("-0.004",  (4, 2),  Some("0.00")),
            ("99.994",  (4, 2),  Some("99.99")),
            ("99.995",  (4, 2),  None),
            ("-100",    (4, 2),  None),
            ("2.5",     (1, 0),  Some("3")),
            ("0.12345", (2, 2),  Some("0.12")),
            ("1",       (2, 2),  None),
            ("5",       (38, 28), Some("5.0000000000000000000000000000")),
            ("50",      (38, 28), None),
        ];
        for (text, declared, result) in table {
            let fitted = fit(number(text), Some(declared)).map(|number| number.to_string());
            assert_eq!(fitted.as_deref(), result, "{text} as {declared:?}");
        }
        assert_eq!(fit(number("1.005"), None), Some(number("1.005")));
    }

    #[test]
    fn doubles_keep_the_digits_that_are_printed() {
        #[rustfmt::skip]
        let table = [
            (0.1, Some("0.1")), (-12.5, Some("-12.5")), (1e20, Some("100000000000000000000")),
            (-0.0, Some("0")),
            (1e-40, Some("0.0000000000000000000000000000")), (1e29, None), (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (value, printed) in table {
            assert_eq!(
                from_double(value).map(|number| number.to_string()).as_deref(),
                printed,
                "{value}"
            );
        }
        assert_eq!(to_double(number("0.1")), Some(0.1));
        assert_eq!(to_double(Decimal::MAX), Some(7.922816251426434e28));
    }

    #[test]
    fn there_is_no_negative_zero() {
        assert_eq!(negate(number("0.00")).to_string(), "0.00");
        assert_eq!(negate(number("1.50")).to_string(), "-1.50");
        assert_eq!(
            times(number("-1"), number("0.0")).map(|zero| zero.to_string()),
            Some("0.0".to_string())
        );
    }
}

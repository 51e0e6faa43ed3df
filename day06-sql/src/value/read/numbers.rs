//! Which number a text stands for. The rules are in [`read`](super).

use rust_decimal::Decimal;

use super::Why;
use crate::value::numeric;

/// What stands before the point of a number, exactly.
#[inline]
pub(super) fn whole(number: &str) -> Result<i64, Why> {
    match number.parse() {
        Ok(whole) => Ok(whole),
        Err(_) => whole_of_any(number),
    }
}

#[cold]
fn whole_of_any(number: &str) -> Result<i64, Why> {
    let plain = without_exponent(number)?;
    let before = plain.split_once('.').map_or(plain.as_str(), |(before, _)| before);
    before.parse().map_err(|_| Why::Range)
}

pub(super) fn double(text: &str) -> Result<f64, Why> {
    let value: f64 = text.parse().map_err(|_| Why::Form)?;
    let has_digits = text.contains(|c: char| c.is_ascii_digit());
    match has_digits || matches!(text, "NaN" | "Infinity" | "+Infinity" | "-Infinity") {
        true => Ok(value),
        // Rust takes "inf" and "nan" for numbers.
        false => Err(Why::Form),
    }
}

pub(super) fn decimal(text: &str, declared: Option<(u8, u8)>) -> Result<Decimal, Why> {
    // The library would take it for a separator of thousands.
    if text.contains('_') {
        return Err(Why::Form);
    }
    let number: Decimal = match text.parse() {
        Ok(number) => number,
        Err(_) => without_exponent(text)?.parse().map_err(|_| Why::Digits)?,
    };
    let number = numeric::without_sign_of_zero(number);
    let Some((precision, scale)) = declared else {
        return Ok(number);
    };
    numeric::fit(number, declared).ok_or_else(|| match numeric::fits_digits(number, precision, scale) {
        true => Why::Digits,
        false => Why::Range,
    })
}

/// A number, in scientific notation or not, written out in digits.
fn without_exponent(number: &str) -> Result<String, Why> {
    /// No NUMERIC has more digits on either side of the point.
    const FAR: i64 = 40;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{behind}");
    if !is_digits(&digits) {
        return Err(Why::Form);
    }
    let exponent = match exponent.parse::<i64>() {
        Ok(exponent) => exponent,
        // More digits than an exponent of any use has.
        Err(_) if is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)) => {
            match exponent.starts_with('-') {
                true => i64::MIN / 2,
                false => i64::MAX / 2,
            }
        }
        Err(_) => return Err(Why::Form),
    };
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    // How many of the significant digits stand before the point; below zero, how many zeros stand
    // behind it first.
    let point = before.len() as i64 - zeros as i64 + exponent;
    match point {
        _ if significant.is_empty() || point < -FAR => Ok("0".to_string()),
        _ if point > FAR => Err(Why::Range),
        ..=0 => Ok(format!("{sign}0.{}{significant}", "0".repeat(-point as usize))),
        _ => {
            let padded = format!("{significant:0<width$}", width = point as usize);
            let (before, behind) = padded.split_at(point as usize);
            let dot = if behind.is_empty() { "" } else { "." };
            Ok(format!("{sign}{before}{dot}{behind}"))
        }
    }
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_as_far_as_they_can_hold_the_digits() {
        let plain = |text| decimal(text, None);
        let declared = |text, precision, scale| decimal(text, Some((precision, scale)));
        #[rustfmt::skip]
        let table = [
            (plain("0.1234567890123456789012345678"),  Ok("0.1234567890123456789012345678")),
            (plain("0.12345678901234567890123456785"), Ok("0.1234567890123456789012345679")),
            (plain("1e-28"),                           Ok("0.0000000000000000000000000001")),
            (plain("1e-30"),                           Ok("0.0000000000000000000000000000")),
            (plain("1e-99"),                           Ok("0")),
            (plain("1e28"),                            Ok("10000000000000000000000000000")),
            (plain("1e29"),                            Err(Why::Digits)),
            (plain("1e99"),                            Err(Why::Range)),
            (plain("+3"),                              Ok("3")),
            (plain("-0.0"),                            Ok("0.0")),
            (plain("1_000"),                           Err(Why::Form)),
            (plain(".5"),                              Ok("0.5")),
            (plain("1,5"),                             Err(Why::Form)),
            (plain("NaN"),                             Err(Why::Form)),
            (plain(""),                                Err(Why::Form)),
            (declared("5", 10, 2),                     Ok("5.00")),
            (declared("1.005", 10, 2),                 Ok("1.01")),
            (declared("-1.005", 10, 2),                Ok("-1.01")),
            (declared("1.0049999", 10, 2),             Ok("1.00")),
            (declared("-0.004", 10, 2),                Ok("0.00")),
            (declared("9.994", 3, 2),                  Ok("9.99")),
            (declared("9.995", 3, 2),                  Err(Why::Range)),
            (declared("12345.6", 4, 1),                Err(Why::Range)),
            (declared("1e-30", 10, 2),                 Ok("0.00")),
            (declared("5", 38, 28),                    Ok("5.0000000000000000000000000000")),
            (declared("79", 38, 28),                   Err(Why::Digits)),
            (declared("1e29", 38, 2),                  Err(Why::Digits)),
        ];
        for (place, (value, expected)) in table.into_iter().enumerate() {
            let value = value.map(|value| value.to_string());
            assert_eq!(value.as_deref().map_err(|why| *why), expected, "line {place}");
        }
    }

    #[test]
    fn numbers_are_written_out_in_digits() {
        #[rustfmt::skip]
        let table = [
            ("1.25e3",   Ok("1250")),
            ("1.25e1",   Ok("12.5")),
            ("1.25e0",   Ok("1.25")),
            ("-1.25e-1", Ok("-0.125")),
            ("0012",     Ok("12")),
            ("0.001e3",  Ok("1")),
            ("7",        Ok("7")),
            ("0e5",      Ok("0")),
            ("1e40",     Err(Why::Range)),
            ("1e",       Err(Why::Form)),
            ("1e+-5",    Err(Why::Form)),
            ("e5",       Err(Why::Form)),
            ("1e5x",     Err(Why::Form)),
            ("--1e5",    Err(Why::Form)),
            ("1.2.3e5",  Err(Why::Form)),
            ("",         Err(Why::Form)),
        ];
        for (number, expected) in table {
            assert_eq!(
                without_exponent(number).as_deref().map_err(|why| *why),
                expected,
                "{number:?}"
            );
        }
    }

    #[test]
    fn whole_numbers_lose_what_stands_behind_the_point() {
        #[rustfmt::skip]
        let table = [
            ("7",                    Ok(7)),
            ("+7",                   Ok(7)),
            ("-2.9",                 Ok(-2)),
            ("1e3",                  Ok(1_000)),
            ("9223372036854775807.9", Ok(i64::MAX)),
            ("9223372036854775808",  Err(Why::Range)),
            ("1e400",                Err(Why::Range)),
            ("1_000",                Err(Why::Form)),
            ("0x10",                 Err(Why::Form)),
            ("7 8",                  Err(Why::Form)),
            ("",                     Err(Why::Form)),
        ];
        for (text, expected) in table {
            assert_eq!(whole(text), expected, "{text:?}");
        }
    }

    #[test]
    fn doubles_are_infinite_where_they_are_too_large_and_where_it_says_so() {
        #[rustfmt::skip]
        let table = [
            ("1.5e3",     Ok(1_500.0)),
            ("1e400",     Ok(f64::INFINITY)),
            ("-Infinity", Ok(f64::NEG_INFINITY)),
            ("inf",       Err(Why::Form)),
            ("nan",       Err(Why::Form)),
            ("1_0",       Err(Why::Form)),
        ];
        for (text, expected) in table {
            assert_eq!(double(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whole_numbers_are_exact_however_they_are_written(number: i64, down in 0_usize..25) {
            let shifted = format!("{number}{}e-{down}", "0".repeat(down));
            proptest::prop_assert_eq!(whole(&shifted), Ok(number));
            proptest::prop_assert_eq!(whole(&format!("{number}.9")), Ok(number));
        }
    }
}

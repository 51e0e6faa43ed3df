//! The average of integers and decimals, as exactly as a NUMERIC can say it.
//!
//! A quotient that ends, like 5 / 2 = 2.5, comes out as it is. One that does not is carried on for as
//! many decimals as a NUMERIC has room for, which is up to 28 and 28 or 29 digits in all, and the last
//! one is rounded, halves away from zero:
//!
//! ```text
//!      5 / 3 = 1.6666666666666666666666666667
//!    100 / 3 = 33.333333333333333333333333333      a digit more before the point, one less behind it
//!  30.00 / 2 = 15.00                               no fewer decimals than the sum has
//! ```
//!
//! The division is done here and not by the decimal itself, because a sum of many large values can be
//! larger than any decimal, and its average is not.

use rust_decimal::Decimal;

/// The largest whole number of a decimal, of 96 bits.
const LARGEST: u128 = (1 << 96) - 1;
/// The most decimals that one can have.
const DECIMALS: u32 = 28;
/// How many are computed at once: a remainder below 2⁶⁴, with so many more digits, fits in 128 bits.
const AT_ONCE: u32 = 18;

/// The average of so many values, with this sum, of which `scale` digits are decimals. None if there is
/// no value, or if it does not fit.
pub(super) fn average(sum: i128, scale: u8, values: u64) -> Option<Decimal> {
    let (values, magnitude) = (u128::from(values), sum.unsigned_abs());
    let mut quotient = magnitude.checked_div(values)?;
    let mut rest = magnitude % values;
    let mut decimals = u32::from(scale);
    while rest > 0 && decimals < DECIMALS {
        let room = ((LARGEST + 1) / (quotient + 1)).checked_ilog10().unwrap_or(0);
        let more = room.min(DECIMALS - decimals).min(AT_ONCE);
        if more == 0 {
            break;
        }
        let factor = 10_u128.pow(more);
        quotient = quotient * factor + rest * factor / values;
        rest = rest * factor % values;
        decimals += more;
    }
    // Halves, without a product that might not fit.
    if rest > 0 && rest >= values - rest {
        quotient += 1;
    }
    while decimals > u32::from(scale) && quotient % 10 == 0 {
        quotient /= 10;
        decimals -= 1;
    }
    let quotient = i128::try_from(quotient).ok()?;
    Decimal::try_from_i128_with_scale(quotient * sum.signum(), decimals).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_exact_or_rounded_at_the_last_digit() {
        #[rustfmt::skip]
        let table = [
            (5, 0, 2,               "2.5"),
            (5, 0, 3,               "1.6666666666666666666666666667"),
            (-5, 0, 3,              "-1.6666666666666666666666666667"),
            (10, 0, 3,              "3.3333333333333333333333333333"),
            (100, 0, 3,             "33.333333333333333333333333333"),
            (3_000, 2, 2,           "15.00"),
            (3_100, 2, 2,           "15.50"),
            (1, 0, 1_000_000,       "0.000001"),
            (0, 2, 7,               "0.00"),
            (1, 28, 2,              "0.0000000000000000000000000001"),
            (-1, 28, 2,             "-0.0000000000000000000000000001"),
            (1, 28, 3,              "0.0000000000000000000000000000"),
            (2_999_999_999_999_999_999_999_999_999_999, 0, 1_000_000_000, "3000000000000000000000"),
            (2 * 79_228_162_514_264_337_593_543_950_335, 0, 2, "79228162514264337593543950335"),
        ];
        for (sum, scale, values, result) in table {
            let average = average(sum, scale, values).unwrap();
            assert_eq!(average.to_string(), result, "{sum} / {values}");
        }
        assert_eq!(average(0, 0, 0), None);
        assert_eq!(average(79_228_162_514_264_337_593_543_950_336, 0, 1), None);
    }

    #[test]
    fn an_average_is_what_decimals_make_of_it() {
        let mut state = 7_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let sum = (state >> 20) as i64 % 100_000_000;
            let values = (state >> 7) % 997 + 1;
            let scale = (state % 5) as u8;
            let wanted = Decimal::new(sum, u32::from(scale)) / Decimal::from(values);
            assert_eq!(average(i128::from(sum), scale, values), Some(wanted));
        }
    }
}

//! The batch evaluator: the right answer of a scenario, found without any streaming.
//!
//! It has all events at once, so it parses each of them in full, throws away those that are no orders, and groups the
//! rest. It shares no code with the days of the book, so that the same mistake cannot be made twice. Amounts are added
//! as whole cents: sums of binary fractions depend on their order.

use serde_json::{Number, Value};

use super::scenario::{Answer, Scenario};

/// Sort everything, then group. An order without an amount is counted and adds nothing.
pub fn evaluate(scenario: &Scenario) -> Answer {
    let mut orders: Vec<(String, Option<i64>)> = scenario
        .events
        .iter()
        .filter_map(|event| event.payload.as_deref())
        .filter_map(|payload| serde_json::from_str::<Value>(payload).ok())
        .filter_map(|order| {
            let merchant = order.get("merchant_id")?.as_str()?.to_string();
            let amount = order.get("amount").and_then(Value::as_number);
            Some((merchant, amount.and_then(cents)))
        })
        .collect();
    orders.sort();

    let mut answer = Answer::default();
    for equal in orders.chunk_by(|(one, _), (next, _)| one == next) {
        let merchant = &equal[0].0;
        let amounts: Vec<i64> = equal.iter().filter_map(|(_, amount)| *amount).collect();
        answer.order_count.insert(merchant.clone(), equal.len() as u64);
        if let Some(largest) = amounts.last() {
            let sum = amounts.iter().sum();
            answer.amount_sum.insert(merchant.clone(), decimal(sum));
            answer.amount_max.insert(merchant.clone(), decimal(*largest));
        }
    }
    answer
}

/// The digits of `12.5` as 1250, if there are no fractions of a cent.
fn cents(amount: &Number) -> Option<i64> {
    let digits = amount.to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    match fraction.len() {
        0..=2 => format!("{whole}{fraction:0<2}").parse().ok(),
        _ => None,
    }
}

/// 1250 as `12.50`.
fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_taken_digit_by_digit() {
        let cents = |json: &str| cents(&serde_json::from_str(json).expect("a number"));
        for (json, amount, written) in [
            ("12.5", 1_250, "12.50"),
            ("12.50", 1_250, "12.50"),
            ("12", 1_200, "12.00"),
            ("0.07", 7, "0.07"),
            ("-0.5", -50, "-0.50"),
            // As a binary fraction, this is less than 1.15.
            ("1.15", 115, "1.15"),
        ] {
            assert_eq!(cents(json), Some(amount), "{json}");
            assert_eq!(decimal(amount), written);
        }
        for json in ["0.125", "1e300"] {
            assert_eq!(cents(json), None, "{json}");
        }
    }
}

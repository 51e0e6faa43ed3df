//! Orders as rows, read from their text without any of the code under test, and what the evaluator makes of
//! them, as the program prints it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each file of tests uses a part of this")]

use day01_consumer::lab::generator::{Generator, GeneratorOptions};
use day03_windows::lab::evaluator::{Row, evaluate};
use day03_windows::spec::WindowSpec;
use jiff::SignedDuration;

/// The header of a csv result.
pub const HEADER: &str =
    "merchant_id,window_start,window_end,order_count,amount_sum,amount_min,amount_max,amount_avg\n";

/// One of each kind, for orders of a few seconds.
pub const KINDS: [&str; 4] = [
    "tumble:100ms",
    "hop:300ms/100ms-7ms",
    "cumulate:400ms/100ms+20ms",
    "session:15ms",
];

/// So many orders in the order of their times.
pub fn ordered(orders: u64, seed: u64) -> Vec<String> {
    disordered(orders, seed, SignedDuration::ZERO)
}

/// So many orders, each at most so far behind an earlier one.
pub fn disordered(orders: u64, seed: u64, disorder: SignedDuration) -> Vec<String> {
    let mut generator = Generator::new(GeneratorOptions {
        orders,
        seed,
        disorder,
        merchants: 50,
        ..GeneratorOptions::default()
    });
    let mut lines = Vec::new();
    while let Some(order) = generator.next_order() {
        lines.push(format!("{}\n", String::from_utf8(order.payload.clone()).unwrap()));
    }
    lines
}

/// An order, one a line.
pub fn order(merchant: &str, amount: &str, ts: i64) -> String {
    format!("{{\"merchant_id\":\"{merchant}\",\"amount\":{amount},\"ts\":{ts}}}\n")
}

/// Merchant, time and cents of each.
pub fn rows<T: AsRef<str>>(lines: &[T]) -> Vec<Row> {
    let row = |line: &str| {
        let field = |name: &str| {
            let (_, value) = line.split_once(&format!("\"{name}\":")).expect(line);
            value.split([',', '}']).next().unwrap().to_string()
        };
        // The generator writes two decimals.
        let cents = field("amount").replace('.', "");
        (
            field("merchant_id").replace('"', ""),
            field("ts").parse().unwrap(),
            cents.parse().unwrap(),
        )
    };
    lines.iter().map(|line| row(line.as_ref())).collect()
}

/// All windows of these rows as the program prints them, without a header.
pub fn csv(spec: WindowSpec, rows: &[Row]) -> String {
    let windows = evaluate(spec, rows).into_iter();
    let lines = windows.map(|((window, merchant), cents)| {
        let (sum, count) = (cents.iter().sum::<i64>(), cents.len() as i64);
        let money = |cents: i64| decimals(cents, 2);
        // Ten thousand parts of a cent; halves away from zero.
        let average = (2 * sum.abs() * 10_000 + count) / (2 * count) * sum.signum();
        format!(
            "{merchant},{},{},{count},{},{},{},{}\n",
            window.start,
            window.end,
            money(sum),
            money(cents[0]),
            money(cents[cents.len() - 1]),
            decimals(average, 6)
        )
    });
    lines.collect()
}

fn decimals(number: i64, decimals: u32) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (parts, width) = (10_u64.pow(decimals), decimals as usize);
    let number = number.unsigned_abs();
    format!("{sign}{}.{:0width$}", number / parts, number % parts)
}

/// How many orders are in the rows of a csv result.
pub fn in_rows(csv: &str) -> u64 {
    let counts = csv.lines().skip(1).map(|row| row.split(',').nth(3).unwrap());
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// How many orders the program says were late for all their windows.
pub fn late(stderr: &str) -> u64 {
    let said = stderr.lines().find(|line| line.contains("were late for all"));
    let number = said.and_then(|line| line.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no late orders: {stderr}"))
}

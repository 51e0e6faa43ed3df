//! The twelve lines that the book starts from, in Rust, on real records from the sandbox.
//!
//! It works, and it is wrong in four ways; the chapter of day 1 finds them.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;

use day01_consumer::lab::generator::GeneratorOptions;
use day01_consumer::lab::sandbox::Sandbox;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message};
use serde_json::Value;

const ORDERS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let options = GeneratorOptions {
        orders: ORDERS as u64,
        ..GeneratorOptions::default()
    };
    let sandbox = Sandbox::start("orders", 8, options)?;
    let brokers = sandbox.brokers();

    // ANCHOR: loop
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("group.id", "a-loop")
        .set("auto.offset.reset", "earliest")
        .create()?;
    consumer.subscribe(&["orders"])?;

    let mut order_count: HashMap<String, u64> = HashMap::new();
    for message in consumer.iter().take(ORDERS) {
        let order: Value = serde_json::from_slice(message?.payload().unwrap_or_default())?;
        let merchant = order["merchant_id"].as_str().unwrap_or_default();
        *order_count.entry(merchant.to_string()).or_insert(0) += 1;
    }
    // ANCHOR_END: loop

    let mut all: Vec<(String, u64)> = order_count.into_iter().collect();
    all.sort_by_key(|(merchant, count)| (std::cmp::Reverse(*count), merchant.clone()));
    for (merchant, count) in &all[..5] {
        writeln!(out, "{merchant:5} {count:6}")?;
    }
    writeln!(out, "… and {} more merchants", all.len() - 5)?;
    Ok(())
}

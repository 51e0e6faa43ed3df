//! Reads a topic to its end and looks at nothing: what the program would cost if it had nothing to do.
//!
//! `cargo run --release -p day01-consumer --example raw_consume -- localhost:9092 orders`

use std::error::Error;
use std::time::Duration;

use day01_consumer::kafka::{Fetch, KafkaOptions, KafkaSource};
use day01_consumer::lab::cpu::process_cpu_time;
use day01_consumer::records::Records;
use day01_consumer::source::{Polled, Source, Start};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut source = KafkaSource::open(KafkaOptions {
        cluster: arguments
            .next()
            .ok_or("usage: raw_consume HOST:PORT TOPIC")?
            .into(),
        topic: arguments.next().unwrap_or_else(|| "orders".to_string()),
        group: "raw-consume".to_string(),
        start: Start::Earliest,
        until_end: true,
        fetch: Fetch::Batch,
    })?;
    let mut records = Records::new();
    let mut read = 0_usize;
    while source.poll(&mut records, Duration::from_millis(100))? != Polled::End {
        read += records.len();
    }
    let seconds = process_cpu_time().as_secs_f64();
    println!(
        "{read} records, {seconds:.2} s of CPU, {:.3} s per million",
        seconds / (read as f64 / 1e6)
    );
    Ok(())
}

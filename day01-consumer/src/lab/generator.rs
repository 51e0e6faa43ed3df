//! Orders by the million, the same ones for the same options on every machine.
//!
//! ```text
//! {"order_id":"o-1","merchant_id":"m-7","user_id":"u-42","amount":12.50,"status":"paid","country":"DE","ts":1767225600000}
//! ```
//!
//! All draws come from ChaCha8, whose output is specified, by integer arithmetic of our own, so that no new version of a
//! library changes them; a test holds the first orders. Merchants follow Zipf's law: with skew 1, the second merchant
//! has half the orders of the first, the third a third of them. Orders *arrive* evenly in event time; `ts` lies behind
//! the arrival by at most `--disorder`. Left out: trends over the day, and users who stay with a merchant.

use std::fmt;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::lab::log::Log;

/// Country codes, each as likely as the others.
const COUNTRIES: [&str; 6] = ["DE", "FR", "GB", "IN", "JP", "US"];

/// Which orders to generate.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Generated orders (sandbox and produce)")]
pub struct GeneratorOptions {
    /// The number of orders
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub orders: u64,
    /// Orders per second; 0 is as fast as possible [default: 0, in the demo 200000]
    #[arg(long, value_name = "N")]
    pub rate: Option<u64>,
    /// The same seed gives the same orders
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The number of merchants, up to ten million
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub merchants: u32,
    /// How unevenly orders are spread over merchants: 0 is evenly, 1 is Zipf's law
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = not_negative)]
    pub skew: f64,
    /// The number of users
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub users: u32,
    /// Share of orders with status "cancelled"
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    pub cancelled: f64,
    /// Share of bad records: cut off, null, of a wrong type, or not UTF-8
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub bad: f64,
    /// Event time of the first order
    #[arg(long, value_name = "TIME", default_value = "2026-01-01T00:00:00Z")]
    pub begin: Timestamp,
    /// Event time between two orders
    #[arg(long, value_name = "DURATION", default_value = "1ms")]
    pub spacing: SignedDuration,
    /// How far an order's ts may be before its arrival
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    pub disorder: SignedDuration,
}

impl Default for GeneratorOptions {
    fn default() -> Self {
        GeneratorOptions {
            orders: 1_000_000,
            rate: None,
            seed: 1,
            merchants: 1_000,
            skew: 1.0,
            users: 100_000,
            cancelled: 0.05,
            bad: 0.0,
            // 2026-01-01T00:00:00Z
            begin: Timestamp::constant(1_767_225_600, 0),
            spacing: SignedDuration::from_millis(1),
            disorder: SignedDuration::from_secs(2),
        }
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number >= 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number that is not negative".to_string()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a share from 0 to 1, such as 0.05".to_string()),
    }
}

/// One generated record.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The order id.
    pub order_id: String,
    /// The merchant id.
    pub merchant_id: String,
    /// The JSON, or what is left of it.
    pub payload: Vec<u8>,
    /// Event time, in milliseconds since 1970 in UTC.
    pub ts: i64,
}

/// Generates orders one by one.
#[derive(Debug, Clone)]
pub struct Generator {
    options: GeneratorOptions,
    random: ChaCha8Rng,
    /// For each merchant, the share of orders that it and those before it have.
    shares: Vec<f64>,
    made: u64,
    current: Generated,
}

impl Generator {
    /// A generator at its first order.
    pub fn new(options: GeneratorOptions) -> Self {
        let weights = (1..=options.merchants).map(|rank| f64::from(rank).powf(-options.skew));
        let total: f64 = weights.clone().sum();
        let shares = weights
            .scan(0.0, |sum, weight| {
                *sum += weight / total;
                Some(*sum)
            })
            .collect();
        Generator {
            random: ChaCha8Rng::seed_from_u64(options.seed),
            options,
            shares,
            made: 0,
            current: Generated::default(),
        }
    }

    /// The next order, or none after the last.
    pub fn next_order(&mut self) -> Option<&Generated> {
        if self.made == self.options.orders {
            return None;
        }
        self.made += 1;
        let arrival = self.options.begin.as_millisecond()
            + (self.options.spacing.as_nanos() * i128::from(self.made - 1) / 1_000_000) as i64;
        let disorder = self.options.disorder.as_millis().max(0) as u64;

        let chance = self.fraction();
        let merchant = 1 + self.shares.partition_point(|share| *share <= chance);
        let merchant = merchant.min(self.shares.len());
        let user = 1 + self.below(u64::from(self.options.users));
        let cents = 100 + self.below(49_901);
        let status = match self.fraction() < self.options.cancelled {
            true => "cancelled",
            false => "paid",
        };
        let country = COUNTRIES[self.below(COUNTRIES.len() as u64) as usize];
        let ts = arrival - self.below(disorder + 1) as i64;
        let bad = self.fraction() < self.options.bad;
        let kind_of_bad = self.below(4);

        let made = self.made;
        let current = &mut self.current;
        current.ts = ts;
        current.order_id.clear();
        current.merchant_id.clear();
        current.payload.clear();
        // Writing to memory does not fail.
        let _ = fmt::Write::write_fmt(&mut current.order_id, format_args!("o-{made}"));
        let _ = fmt::Write::write_fmt(&mut current.merchant_id, format_args!("m-{merchant}"));
        let _ = write!(
            current.payload,
            r#"{{"order_id":"o-{made}","merchant_id":"m-{merchant}","user_id":"u-{user}","amount":{}.{:02},"status":"{status}","country":"{country}","ts":{ts}}}"#,
            cents / 100,
            cents % 100,
        );
        if bad {
            spoil(&mut current.payload, kind_of_bad, merchant);
        }
        Some(current)
    }

    /// A number below `n`, each as likely as the others (but for one part in 2⁶⁴ / n).
    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.random.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number from 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Turns a good record into one that no job can read.
fn spoil(payload: &mut Vec<u8>, kind: u64, merchant: usize) {
    match kind {
        0 => payload.truncate(payload.len() / 2),
        1 => *payload = br#"{"merchant_id":null}"#.to_vec(),
        2 => *payload = format!(r#"{{"merchant_id":{merchant}}}"#).into_bytes(),
        _ => payload[2] = 0xff,
    }
}

/// All orders of these options in a log in memory, dealt out over its partitions in turn.
pub fn generated_log(options: GeneratorOptions, partitions: usize) -> Log {
    let log = Log::new("orders", partitions);
    let mut generator = Generator::new(options);
    let mut partition = 0;
    while let Some(order) = generator.next_order() {
        let key = Some(order.order_id.as_bytes());
        log.append(partition, key, Some(&order.payload), Some(order.ts));
        partition = (partition + 1) % partitions;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Payload;
    use crate::order::Order;

    fn first(count: u64, options: GeneratorOptions) -> Vec<Generated> {
        let mut generator = Generator::new(GeneratorOptions {
            orders: count,
            ..options
        });
        let mut orders = Vec::new();
        while let Some(order) = generator.next_order() {
            orders.push(order.clone());
        }
        orders
    }

    #[test]
    fn the_first_orders_never_change() {
        let lines: Vec<String> = first(3, GeneratorOptions::default())
            .into_iter()
            .map(|order| String::from_utf8(order.payload).expect("generated orders are text"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn disorder_is_bounded_and_used() {
        let options = GeneratorOptions::default();
        let (mut newest, mut largest) = (i64::MIN, 0);
        for order in first(20_000, options.clone()) {
            newest = newest.max(order.ts);
            largest = largest.max(newest - order.ts);
        }
        let bound = options.disorder.as_millis() as i64;
        assert!(largest <= bound && largest > bound * 9 / 10, "{largest}");
    }

    #[test]
    fn merchants_follow_zipfs_law() {
        let mut counts = [0_f64; 4];
        for order in first(100_000, GeneratorOptions::default()) {
            match order.merchant_id.as_str() {
                "m-1" => counts[1] += 1.0,
                "m-2" => counts[2] += 1.0,
                "m-3" => counts[3] += 1.0,
                _ => {}
            }
        }
        assert!((counts[1] / counts[2] - 2.0).abs() < 0.1, "{counts:?}");
        assert!((counts[1] / counts[3] - 3.0).abs() < 0.2, "{counts:?}");
    }

    #[test]
    fn every_bad_record_is_bad_and_no_other() {
        let options = GeneratorOptions {
            bad: 0.3,
            ..GeneratorOptions::default()
        };
        let orders = first(2_000, options);
        let bad = orders
            .iter()
            .filter(|order| Order::decode(Payload::from(Some(order.payload.as_slice()))).is_err());
        let bad = bad.count();
        assert!((500..700).contains(&bad), "{bad}");
    }
}

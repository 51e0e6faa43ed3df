//! A Kafka broker inside the process, fed with generated orders: the demo needs nothing installed.
//!
//! The broker is librdkafka's mock cluster. It speaks the real protocol on a real port of this machine, so the source
//! that reads it is the one that reads a real Kafka, and other clients made with librdkafka can connect while it runs.
//! What it lacks is room: it keeps 5 MiB or 100,000 batches a partition and then drops the oldest **in silence**. So the
//! feeder waits for the reader: it never has more than `WAITING` unread orders in a partition, which is less than half
//! of that room. Should an order be lost all the same, the reader stops with an error, as its position is out of range.
//!
//! The feeder is a thread of its own, one of the few outside the dataflow of later days. Left out: transactions, which
//! the mock cluster only pretends to have; what depends on them is tested on a real Kafka.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::generator::{Generated, Generator, GeneratorOptions};
use super::produce::{Pace, TopicWriter};
use crate::Error;
use crate::source::Split;

/// How many unread orders a partition may hold.
const WAITING: i64 = 10_000;
/// How large an order may be: with `WAITING`, under 2.5 MiB a partition.
const LARGEST: usize = 250;

/// A broker with one topic, and a thread that fills it.
pub struct Sandbox {
    feeder: Option<JoinHandle<Result<(), Error>>>,
    shared: Arc<Shared>,
    cluster: MockCluster<'static, DefaultProducerContext>,
    topic: String,
    orders: i64,
}

/// What reader and feeder tell each other.
struct Shared {
    /// How far each partition has been read.
    read: Vec<AtomicI64>,
    stop: AtomicBool,
}

impl Sandbox {
    /// Starts a broker with a topic of so many partitions, and begins to fill it.
    pub fn start(topic: &str, partitions: usize, options: GeneratorOptions) -> Result<Self, Error> {
        let cluster = MockCluster::new(1).map_err(Error::kafka("the sandbox"))?;
        cluster
            .create_topic(topic, partitions as i32, 1)
            .map_err(Error::kafka("a topic in the sandbox"))?;
        let shared = Arc::new(Shared {
            read: (0..partitions).map(|_| AtomicI64::new(0)).collect(),
            stop: AtomicBool::new(false),
        });
        let writer = TopicWriter::new(&cluster.bootstrap_servers(), topic)?;
        let orders = options.orders as i64;
        let feeder = std::thread::Builder::new()
            .name("sandbox feeder".to_string())
            .spawn({
                let shared = Arc::clone(&shared);
                move || feed(writer, options, &shared)
            })
            .map_err(|error| Error::System {
                what: "starting the sandbox's thread",
                error: error.to_string(),
            })?;
        Ok(Sandbox {
            feeder: Some(feeder),
            shared,
            cluster,
            topic: topic.to_string(),
            orders,
        })
    }

    /// The address, for any client made with librdkafka.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Tells the feeder how far the reader has come, so that it can go on.
    pub fn read_up_to(&self, splits: &[Split]) {
        for split in splits {
            if let Some(read) = self.shared.read.get(split.partition as usize) {
                read.fetch_max(split.position, Ordering::Relaxed);
            }
        }
    }

    /// Whether all orders have been written and read. An error if the feeder has failed.
    pub fn is_drained(&mut self) -> Result<bool, Error> {
        if self.feeder.as_ref().is_some_and(JoinHandle::is_finished) {
            self.wait_until_fed()?;
        }
        let read: i64 = self
            .shared
            .read
            .iter()
            .map(|read| read.load(Ordering::Relaxed))
            .sum();
        Ok(self.feeder.is_none() && read >= self.orders)
    }

    /// Waits until all orders have been written; for ever, if somebody has to read first.
    pub fn wait_until_fed(&mut self) -> Result<(), Error> {
        match self.feeder.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Sandbox {
    /// Ends the feeder, which must be gone before its broker.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(feeder) = self.feeder.take() {
            // A failure has been reported by `is_drained`, or nobody waits for the orders any more.
            let _ = feeder.join();
        }
    }
}

/// Writes all orders, partitions in turn, and waits where the reader is too far behind.
fn feed(writer: TopicWriter, options: GeneratorOptions, shared: &Shared) -> Result<(), Error> {
    let mut pace = Pace::new(options.rate.unwrap_or(0));
    let mut generator = Generator::new(options);
    let partitions = shared.read.len() as u64;
    let mut written = 0_u64;
    while let Some(order) = generator.next_order() {
        fits(order)?;
        let partition = (written % partitions) as usize;
        let in_partition = (written / partitions) as i64;
        while in_partition - shared.read[partition].load(Ordering::Relaxed) >= WAITING {
            if shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            writer.poll(Duration::from_millis(1))?;
        }
        writer.send(Some(partition as i32), Some(&order.order_id), order)?;
        written += 1;
        if written.is_multiple_of(1_000) {
            writer.poll(Duration::ZERO)?;
        }
        if shared.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        pace.wait_after(written);
    }
    writer.finish()
}

/// The promise about room only holds for orders that are not larger than it assumes.
fn fits(order: &Generated) -> Result<(), Error> {
    match order.payload.len() + order.order_id.len() <= LARGEST {
        true => Ok(()),
        false => Err(Error::System {
            what: "filling the sandbox",
            error: format!("an order of {} bytes is too large for it", order.payload.len()),
        }),
    }
}

//! A Kafka broker inside the process, fed with generated orders: the demo needs nothing installed.
//!
//! The broker is librdkafka's mock cluster. It speaks the real protocol on a real port of this machine, so the source
//! that reads it is the one that reads a real Kafka, and other clients made with librdkafka can connect while it runs.
//! What it lacks is room: it keeps 5 MiB or 100,000 batches a partition and then drops the oldest **in silence**. So the
//! feeder waits for the reader: it never has more than `WAITING` unread orders in a partition, which is less than half
//! of that room; a [`SandboxSource`] tells it how far the reader is. Should an order be lost all the same, the reader stops with an error, as its position is out of range.
//!
//! The feeder is a thread of its own, one of the few outside the dataflow of later days. Left out: transactions, which
//! the mock cluster only pretends to have; what depends on them is tested on a real Kafka.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::generator::{Generated, Generator, GeneratorOptions};
use super::produce::{Pace, TopicWriter};
use crate::Error;
use crate::records::Records;
use crate::source::{Polled, Positions, Share, Source, Split, Warning};

/// How many unread orders a partition may hold.
const WAITING: i64 = 10_000;
/// How large an order may be: with `WAITING`, under 2.5 MiB a partition.
const LARGEST: usize = 250;

/// A broker with one topic, and a thread that fills it.
pub struct Sandbox {
    shared: Arc<Shared>,
    cluster: MockCluster<'static, DefaultProducerContext>,
    topic: String,
}

/// What readers and feeder tell each other.
struct Shared {
    feeder: Mutex<Feeder>,
    partitions: Vec<Partition>,
    stop: AtomicBool,
}

/// How far a partition has come.
#[derive(Default)]
struct Partition {
    written: AtomicI64,
    read: AtomicI64,
}

/// What has become of the feeder.
enum Feeder {
    AtWork(JoinHandle<Result<(), Error>>),
    /// It has written all orders, and the broker has them.
    Done,
    /// It has failed, which somebody has been told, or the sandbox is gone.
    Gone,
}

impl Sandbox {
    /// Starts a broker with a topic of so many partitions, and begins to fill it.
    pub fn start(topic: &str, partitions: usize, options: GeneratorOptions) -> Result<Self, Error> {
        let cluster = MockCluster::new(1).map_err(Error::failed("the sandbox"))?;
        cluster
            .create_topic(topic, partitions as i32, 1)
            .map_err(Error::failed("a topic in the sandbox"))?;
        let writer = TopicWriter::new(&cluster.bootstrap_servers().into(), topic)?;
        let shared = Arc::new(Shared {
            // Until its thread has started, which needs all this.
            feeder: Mutex::new(Feeder::Gone),
            partitions: (0..partitions).map(|_| Partition::default()).collect(),
            stop: AtomicBool::new(false),
        });
        let thread = std::thread::Builder::new()
            .name("sandbox feeder".to_string())
            .spawn({
                let shared = Arc::clone(&shared);
                move || feed(writer, options, &shared)
            })
            .map_err(Error::failed("starting the sandbox's thread"))?;
        *shared.feeder() = Feeder::AtWork(thread);
        Ok(Sandbox {
            shared,
            cluster,
            topic: topic.to_string(),
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

    /// Makes a reader of the topic tell the feeder how far it has come, and end where the orders end.
    ///
    /// The topic can have several readers, in several threads, if each of them has a share of its own. They need the
    /// sandbox to stay alive.
    pub fn source<S: Source>(&self, reader: S) -> SandboxSource<S> {
        SandboxSource {
            reader,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Waits until all orders have been written; for ever, if somebody has to read first.
    pub fn wait_until_fed(&self) -> Result<(), Error> {
        while !self.shared.is_fed()? {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for Sandbox {
    /// Ends the feeder, which must be gone before its broker.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let feeder = std::mem::replace(&mut *self.shared.feeder(), Feeder::Gone);
        if let Feeder::AtWork(thread) = feeder {
            // Nobody waits for the orders any more.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Whether all orders have been written. If the feeder has failed, whoever asks first gets its error.
    fn is_fed(&self) -> Result<bool, Error> {
        let mut feeder = self.feeder();
        match std::mem::replace(&mut *feeder, Feeder::Gone) {
            Feeder::AtWork(thread) if !thread.is_finished() => {
                *feeder = Feeder::AtWork(thread);
                return Ok(false);
            }
            Feeder::AtWork(thread) => match thread.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Feeder::Done => {}
            Feeder::Gone => {
                return Err(Error::failed("reading from the sandbox")(
                    "the thread that fills it has ended",
                ));
            }
        }
        *feeder = Feeder::Done;
        Ok(true)
    }

    // What is under the lock is whole even after a panic: that of the feeder itself is passed on while it is held.
    fn feeder(&self) -> MutexGuard<'_, Feeder> {
        self.feeder
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Reads from a [`Sandbox`]: the feeder goes on as the reader does, and the end of the orders is an end.
pub struct SandboxSource<S> {
    reader: S,
    shared: Arc<Shared>,
}

impl<S: Source> SandboxSource<S> {
    /// Each split of the reader, and what its partition has come to.
    fn partitions(&self) -> impl Iterator<Item = (&Split, &Partition)> {
        let of = |split: &Split| self.shared.partitions.get(split.partition as usize);
        let splits = self.reader.splits().iter();
        splits.filter_map(move |split| Some((split, of(split)?)))
    }

    /// Whether all orders have been written, and its share of them has been read.
    fn is_drained(&self) -> Result<bool, Error> {
        Ok(self.shared.is_fed()?
            && self
                .partitions()
                .all(|(split, partition)| split.position >= partition.written.load(Ordering::Relaxed)))
    }
}

impl<S: Source> Source for SandboxSource<S> {
    fn splits(&self) -> &[Split] {
        self.reader.splits()
    }

    fn share(&mut self, share: Share) {
        self.reader.share(share);
    }

    fn seek(&mut self, positions: &Positions) -> Result<(), Error> {
        self.reader.seek(positions)
    }

    fn poll(&mut self, records: &mut Records, wait: Duration) -> Result<Polled, Error> {
        if self.is_drained()? {
            records.clear();
            return Ok(Polled::End);
        }
        let polled = self.reader.poll(records, wait)?;
        for (split, partition) in self.partitions() {
            partition.read.fetch_max(split.position, Ordering::Relaxed);
        }
        Ok(polled)
    }

    fn commit(&mut self, positions: &Positions) -> Result<(), Error> {
        self.reader.commit(positions)
    }

    fn locate(&self, partition: i32, offset: i64) -> String {
        self.reader.locate(partition, offset)
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.reader.warnings()
    }

    fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        self.reader.pause(partitions)
    }
}

/// Writes all orders, partitions in turn, and waits where the reader is too far behind.
fn feed(writer: TopicWriter, options: GeneratorOptions, shared: &Shared) -> Result<(), Error> {
    let mut pace = Pace::new(options.rate.unwrap_or(0));
    let mut generator = Generator::new(options);
    let partitions = shared.partitions.len() as u64;
    let mut written = 0_u64;
    while let Some(order) = generator.next_order() {
        fits(order)?;
        let number = (written % partitions) as i32;
        let partition = &shared.partitions[number as usize];
        let in_partition = (written / partitions) as i64;
        while in_partition - partition.read.load(Ordering::Relaxed) >= WAITING {
            if shared.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            writer.poll(Duration::from_millis(1))?;
        }
        let stop = || shared.stop.load(Ordering::Relaxed);
        if !writer.send(Some(number), Some(&order.order_id), order, &stop)? {
            return Ok(());
        }
        partition.written.store(in_partition + 1, Ordering::Relaxed);
        written += 1;
        if written.is_multiple_of(1_000) {
            writer.poll(Duration::ZERO)?;
        }
        if shared.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        pace.wait_after(written);
    }
    writer.finish(&|| shared.stop.load(Ordering::Relaxed)).map(drop)
}

/// The promise about room only holds for orders that are not larger than it assumes.
fn fits(order: &Generated) -> Result<(), Error> {
    match order.payload.len() + order.order_id.len() <= LARGEST {
        true => Ok(()),
        false => Err(Error::failed("filling the sandbox")(format!(
            "an order of {} bytes is too large for it",
            order.payload.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::log::Log;
    use crate::source::Start;

    #[test]
    fn a_failure_of_the_feeder_reaches_one_reader_and_none_waits_for_ever() {
        let failed = || Err(Error::failed("filling the sandbox")("it is full"));
        let shared = Arc::new(Shared {
            feeder: Mutex::new(Feeder::AtWork(std::thread::spawn(failed))),
            partitions: vec![Partition::default()],
            stop: AtomicBool::new(false),
        });
        let errors = [0, 1].map(|_| {
            let log = Log::new("orders", 1).source("tests", &Start::Earliest, false);
            let mut source = SandboxSource {
                reader: log.expect("a source"),
                shared: Arc::clone(&shared),
            };
            loop {
                match source.poll(&mut Records::new(), Duration::ZERO) {
                    Ok(polled) => assert_eq!(polled, Polled::Idle),
                    Err(error) => break error.to_string(),
                }
            }
        });
        assert_eq!(
            errors,
            [
                "filling the sandbox: it is full",
                "reading from the sandbox: the thread that fills it has ended"
            ]
        );
    }
}

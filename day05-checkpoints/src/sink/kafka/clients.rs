//! The two clients of a sink, which come and go together: one sends rows in transactions, one reads and writes the marker.
//!
//! Writing the marker needs both, and is the one call that cannot be made in steps: the client does not go on with it
//! later, and does not keep to the time that it is given (issue 5456 of librdkafka). So it is made in a thread, which keeps
//! the clients for as long as the call takes, even if the sink has given them up meanwhile.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rdkafka::error::KafkaResult;
use rdkafka::producer::BaseProducer;

use super::client::{self, Events};
use super::marker::Markers;
use super::{KafkaTargetError, KafkaTargetOptions};

#[derive(Clone)]
pub(super) struct Clients {
    pub(super) producer: Arc<BaseProducer<Events>>,
    pub(super) markers: Arc<Markers>,
}

impl Clients {
    /// They connect in the background, but say at once what is wrong with the options.
    pub(super) fn new(options: &KafkaTargetOptions) -> Result<Self, KafkaTargetError> {
        let producer = client::transactional(options);
        let producer = producer.map_err(KafkaTargetError::settings(&options.cluster, &options.topic))?;
        Ok(Clients {
            producer: Arc::new(producer),
            markers: Arc::new(Markers::new(options)?),
        })
    }

    /// Moves the marker, and says later what came of it; says nothing if there is no thread to be had.
    pub(super) fn mark(&self, epoch: u64) -> Receiver<KafkaResult<()>> {
        let (done, marking) = mpsc::sync_channel(1);
        let clients = self.clone();
        let write = move || {
            let marked = clients.markers.write(&clients.producer, epoch);
            // Nobody waits any more if the clients were given up.
            done.send(marked).ok();
        };
        thread::Builder::new()
            .name("marker".to_string())
            .spawn(write)
            .ok();
        marking
    }
}

//! How a run begins, or begins again with a new client: it looks, fences, and looks again.
//!
//! ```text
//!   other run, same name         this run                          what it finds
//!   epoch 7 out, goes on         Look        marker 7              it knows no epoch 7: it ends, and the other goes on
//!   epoch 7 out, has died        Look        marker 7              its checkpoint has 7 and 8: it may go on
//!     had sent 8, not committed  Fence       8 is aborted
//!                                ReadMarker  marker 7              publishes 8
//!     had committed 8 by then    ReadMarker  marker 8              8 is out
//! ```
//!
//! The wrong orders: *fence, then read* lets a run that is refused end the one that was right. *Read, then fence* lets the
//! other run commit in between, and publishes its epoch twice.

use rdkafka::producer::Producer;

use super::client::SLICE;
use super::clients::Clients;
use super::marker::{Markers, Unread};
use super::{KafkaTarget, KafkaTargetError, Step};

/// What a step of opening has found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    /// No answer yet.
    Nothing,
    /// This marker, before other runs were shut out.
    Before(Option<u64>),
    /// This marker, behind which no other run can go.
    Behind(Option<u64>),
}

impl KafkaTarget {
    // ANCHOR: open
    /// Takes a step of opening: looks, fences, and looks again. What a look has found is to be judged by the caller.
    pub(super) fn open_step(&mut self, epoch: u64) -> Result<Found, KafkaTargetError> {
        let read = match self.step {
            Step::Look => {
                let look = match self.look.take() {
                    Some(look) => look,
                    None => Markers::before_fence(&self.options)?,
                };
                self.look.insert(look).read()
            }
            Step::Fence => {
                self.look = None;
                match self.clients()?.producer.init_transactions(SLICE) {
                    Ok(()) => self.step = Step::ReadMarker,
                    Err(error) => self.on_error(epoch, error)?,
                }
                return Ok(Found::Nothing);
            }
            _ => self.clients()?.markers.read(),
        };
        match (read, self.step) {
            (Ok(marker), Step::Look) => return Ok(Found::Before(marker)),
            (Ok(marker), _) => return Ok(Found::Behind(marker)),
            (Err(Unread::Failed(error)), _) => self.on_error(epoch, error)?,
            (Err(Unread::Foreign(metadata)), _) => {
                let (group, topic) = (self.options.id(), self.options.topic.clone());
                return Err(KafkaTargetError::ForeignGroup {
                    group,
                    topic,
                    metadata,
                });
            }
        }
        Ok(Found::Nothing)
    }
    // ANCHOR_END: open

    fn clients(&mut self) -> Result<&Clients, KafkaTargetError> {
        let clients = match self.clients.take() {
            Some(clients) => clients,
            None => Clients::new(&self.options)?,
        };
        Ok(self.clients.insert(clients))
    }
}

//! Sorts failures of the Kafka client: those that pass by themselves, and those that end the run.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Tells what passes by itself, which is waited for, from what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The client goes on trying by itself.
    Passes,
    /// The client has no connection. Whether a broker is there is asked.
    AllDown,
    /// A partition does not hold what is wanted next.
    OutOfRange,
    /// It would come again and again.
    Stays,
}

pub(super) fn judge(error: &KafkaError) -> Failure {
    use RDKafkaErrorCode::*;
    match error.rdkafka_error_code() {
        Some(AllBrokersDown) => Failure::AllDown,
        // One of several brokers, or one that is about to hand over.
        Some(
            BrokerTransportFailure
            | Resolve
            | OperationTimedOut
            | RequestTimedOut
            | LeaderNotAvailable
            | NotLeaderForPartition
            | NetworkException
            | CoordinatorLoadInProgress
            | CoordinatorNotAvailable
            | NotCoordinator,
        ) => Failure::Passes,
        // The next look at the topic says whether this is so.
        Some(UnknownTopic | UnknownTopicOrPartition | UnknownPartition) => Failure::Passes,
        Some(OffsetOutOfRange | AutoOffsetReset) => Failure::OutOfRange,
        _ => Failure::Stays,
    }
}

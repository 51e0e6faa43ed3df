//! What an error of the client means for the transaction that is open.
//!
//! librdkafka sorts errors itself, into those after which the same call is to be made again, those
//! after which the transaction must be aborted, and those that are final for the client. Two things it
//! leaves to us: which of them would come again and again however often an epoch is tried, and which
//! mean that another run has taken over. The table is [`verdict`].

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What an error means for the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same call is to be made again, and goes on where it was.
    Again,
    /// The transaction is to be aborted, and begun again.
    Abort,
    /// The client is of no use any more, and what has become of the transaction is not known.
    Reopen,
    /// Somebody else has taken over.
    Fenced,
    /// It would come again and again.
    Refused,
}

/// What librdkafka says of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    code: Option<RDKafkaErrorCode>,
    fatal: bool,
    requires_abort: bool,
    retriable: bool,
}

/// What this error means, given the code of the error that has ended the client, if one has.
pub(super) fn judge(error: &KafkaError, fatal: Option<RDKafkaErrorCode>) -> Verdict {
    let facts = Facts {
        code: fatal.or(error.rdkafka_error_code()),
        fatal: fatal.is_some(),
        requires_abort: false,
        retriable: false,
    };
    verdict(match error {
        KafkaError::Transaction(error) => Facts {
            fatal: facts.fatal || error.is_fatal(),
            requires_abort: error.txn_requires_abort(),
            retriable: error.is_retriable(),
            ..facts
        },
        // A row that did not arrive.
        KafkaError::MessageProduction(_) => Facts {
            requires_abort: true,
            ..facts
        },
        // A commit that has not come to its end yet, or a question that was not answered in time.
        KafkaError::Flush(_) | KafkaError::MetadataFetch(_) | KafkaError::OffsetFetch(_) => Facts {
            retriable: true,
            ..facts
        },
        _ => facts,
    })
}

fn verdict(facts: Facts) -> Verdict {
    use RDKafkaErrorCode::*;
    match (facts.code, facts.fatal, facts.requires_abort, facts.retriable) {
        // What is wrong with a row, the topic, a permission or a setting stays wrong.
        (
            Some(
                MessageSizeTooLarge
                | InvalidMessageSize
                | InvalidRecord
                | PolicyViolation
                | UnknownTopic
                | UnknownTopicOrPartition
                | InvalidTopic
                | TopicAuthorizationFailed
                | GroupAuthorizationFailed
                | ClusterAuthorizationFailed
                | TransactionalIdAuthorizationFailed
                | InvalidTransactionTimeout
                | UnsupportedForMessageFormat
                | UnsupportedFeature,
            ),
            ..,
        ) => Verdict::Refused,
        // The brokers know a newer producer of this transactional id.
        (Some(Fenced | ProducerFenced | InvalidProducerEpoch), true, ..) => Verdict::Fenced,
        (_, true, ..) => Verdict::Reopen,
        (_, _, true, _) => Verdict::Abort,
        (_, _, _, true) => Verdict::Again,
        // An error of no kind: the state of the client is anyone's guess.
        _ => Verdict::Reopen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_answer() {
        use RDKafkaErrorCode as Code;
        let cases = [
            // code, fatal, requires abort, retriable
            (Code::OperationTimedOut, false, false, true, Verdict::Again),
            (Code::OperationTimedOut, false, true, false, Verdict::Abort),
            (Code::MessageTimedOut, false, true, false, Verdict::Abort),
            (Code::Fenced, true, false, false, Verdict::Fenced),
            (Code::ProducerFenced, true, true, true, Verdict::Fenced),
            // The abort that follows says whether this is final.
            (Code::InvalidProducerEpoch, false, true, false, Verdict::Abort),
            (
                Code::InvalidTransactionalState,
                true,
                false,
                false,
                Verdict::Reopen,
            ),
            (Code::InvalidTransactionalState, true, true, true, Verdict::Reopen),
            (Code::State, false, false, false, Verdict::Reopen),
            // Whatever else is said of them.
            (Code::MessageSizeTooLarge, false, true, false, Verdict::Refused),
            (Code::InvalidRecord, false, true, false, Verdict::Refused),
            (
                Code::TransactionalIdAuthorizationFailed,
                true,
                false,
                false,
                Verdict::Refused,
            ),
            (
                Code::GroupAuthorizationFailed,
                false,
                false,
                true,
                Verdict::Refused,
            ),
            (
                Code::InvalidTransactionTimeout,
                true,
                false,
                false,
                Verdict::Refused,
            ),
        ];
        for (code, fatal, requires_abort, retriable, expected) in cases {
            let facts = Facts {
                code: Some(code),
                fatal,
                requires_abort,
                retriable,
            };
            assert_eq!(verdict(facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn what_has_ended_the_client_outweighs_what_it_says_since() {
        use RDKafkaErrorCode as Code;
        let cases = [
            (
                KafkaError::MessageProduction(Code::PurgeQueue),
                None,
                Verdict::Abort,
            ),
            (
                KafkaError::MessageProduction(Code::Fatal),
                Some(Code::Fenced),
                Verdict::Fenced,
            ),
            (
                KafkaError::MessageProduction(Code::Fatal),
                Some(Code::UnknownProducerId),
                Verdict::Reopen,
            ),
            (KafkaError::Flush(Code::OperationTimedOut), None, Verdict::Again),
            (
                KafkaError::Flush(Code::OperationTimedOut),
                Some(Code::Fenced),
                Verdict::Fenced,
            ),
            (
                KafkaError::OffsetFetch(Code::CoordinatorLoadInProgress),
                None,
                Verdict::Again,
            ),
            (
                KafkaError::OffsetFetch(Code::GroupAuthorizationFailed),
                None,
                Verdict::Refused,
            ),
            (KafkaError::Canceled, None, Verdict::Reopen),
        ];
        for (error, fatal, expected) in cases {
            assert_eq!(judge(&error, fatal), expected, "{error:?} {fatal:?}");
        }
    }
}

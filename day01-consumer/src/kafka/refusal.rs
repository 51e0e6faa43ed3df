//! What a broker means by refusing a record, for everything that writes.
#![allow(
    clippy::disallowed_methods,
    reason = "what a message says of the wall clock is all that depends on it"
)]

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The error of a client that writes, and what is likely behind it where the words of Kafka do not say.
pub fn explain_refusal(error: &KafkaError) -> String {
    use RDKafkaErrorCode::{InvalidRecord, InvalidTimestamp};
    let cause = match error.rdkafka_error_code() {
        Some(InvalidTimestamp) => String::new(),
        Some(InvalidRecord) => ", or the topic is compacted and the record has no key".to_string(),
        _ => return error.to_string(),
    };
    format!(
        "{error}: the time of a record is too far from the broker's clock{cause}; this machine's clock says {now:.0}, \
         and a broker accepts times up to an hour ahead of its own clock (message.timestamp.after.max.ms): compare the two clocks",
        now = jiff::Timestamp::now()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_is_named() {
        let said = |code| explain_refusal(&KafkaError::MessageProduction(code));
        let now = jiff::Timestamp::now().to_string();
        for code in [
            RDKafkaErrorCode::InvalidTimestamp,
            RDKafkaErrorCode::InvalidRecord,
        ] {
            let said = said(code);
            assert!(said.contains("compare the two clocks"), "{said}");
            assert!(said.contains(&now[..10]), "{said} {now}");
        }
        assert!(said(RDKafkaErrorCode::InvalidRecord).contains("compacted"));
        let other = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
        assert_eq!(explain_refusal(&other), other.to_string());
    }
}

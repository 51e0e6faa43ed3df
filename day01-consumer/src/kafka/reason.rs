//! Why a broker could not be reached, in words that lead a person to the cause.
//!
//! librdkafka names the connection, what happened on it, and some bookkeeping of its own:
//!
//! ```text
//! sasl_ssl://broker-2:9093/2: Failed to resolve 'broker-2:9093': Name or service not known (after 3ms in state CONNECT)
//! ───────────────────────── ─  ─────────────────────────────────────────────────────────────  ─────────────────────────
//! where                     │  what                                                           bookkeeping
//!                           a number: an address that a broker has advertised; "bootstrap": one that a person has given
//! ```

use super::cluster::Cluster;

/// What the client said of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    /// `HOST:PORT`, if it is about an address.
    address: Option<String>,
    what: String,
}

impl Reason {
    pub(super) fn new(said: &str) -> Self {
        let said = said.split(" (after ").next().unwrap_or(said);
        // The keeper of a group's offsets is named by its part, and then by its address.
        let said = said.strip_prefix("GroupCoordinator: ").unwrap_or(said);
        let (address, what) = match said.split_once(": ") {
            Some((address, what)) if is_address(address) => (Some(address.to_string()), what),
            Some((connection, what)) if connection.contains('/') => {
                let connection = connection.split_once("://").map_or(connection, |(_, rest)| rest);
                let (address, _) = connection.rsplit_once('/').unwrap_or((connection, ""));
                (Some(address.to_string()), what)
            }
            _ => (None, said),
        };
        let what = what.trim_end_matches([':', ' ']);
        let what = match what.split_once(" failed: ").or(what.split_once("': ")) {
            Some((action, reason))
                if action.starts_with("Connect to") || action.starts_with("Failed to resolve") =>
            {
                reason
            }
            _ => what,
        };
        Reason {
            address,
            what: what.to_string(),
        }
    }

    /// Whether it is about an address that nobody has given to the program, so that a broker must have.
    pub(super) fn is_of_advertised(&self, cluster: &Cluster) -> bool {
        self.address
            .as_ref()
            .is_some_and(|address| !cluster.names(address))
    }

    /// The reason, with the address if a broker has advertised it, and with the likely cause.
    pub(super) fn explained(&self, cluster: &Cluster) -> String {
        let what = match likely_cause(&self.what) {
            Some(cause) => format!("{cause} ({})", self.what),
            None => self.what.clone(),
        };
        match &self.address {
            Some(address) if self.is_of_advertised(cluster) => unreachable_as_advertised(address, &what),
            _ => what,
        }
    }
}

fn is_address(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(_))) && !text.contains('/')
}

/// The commonest trap of Kafka: the first answer names other addresses, and only those are used from then on.
pub(super) fn unreachable_as_advertised(address: &str, what: &str) -> String {
    format!(
        "a broker answers there and advertises the address {address}, where it cannot be reached ({what}); set the \
         broker's advertised.listeners to an address that this machine can reach"
    )
}

/// What is behind an error of the client that speaks of something else, or of what brokers are like inside.
fn likely_cause(what: &str) -> Option<&'static str> {
    let about = |words: &str| what.contains(words);
    if about("connecting to a PLAINTEXT broker listener") || about("wrong version number") {
        Some("this port does not speak TLS; use the broker's TLS port, or a security.protocol without ssl")
    } else if about("not valid in current SASL state") {
        Some(
            "this port does not accept a login; use the broker's SASL port, or a security.protocol without sasl",
        )
    } else if about("certificate could not be verified") || about("certificate verify failed") {
        Some("give the file of the certificate authority with --kafka-option ssl.ca.location=FILE")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(said: &str) -> String {
        Reason::new(said).explained(&Cluster::from("localhost:1,given:9092"))
    }

    #[test]
    fn a_reason_is_told_without_the_clients_bookkeeping() {
        assert_eq!(
            explained(
                "localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused \
                 (after 0ms in state CONNECT, 1 identical error(s) suppressed)"
            ),
            "Connection refused"
        );
        assert_eq!(
            explained(
                "given:9092/bootstrap: Failed to resolve 'given:9092': Name or service not known (after 1ms)"
            ),
            "Name or service not known"
        );
        assert_eq!(
            explained(
                "sasl_plaintext://given:9092/bootstrap: SASL authentication error: Authentication failed: Invalid \
                 username or password (after 310ms in state AUTH_REQ)"
            ),
            "SASL authentication error: Authentication failed: Invalid username or password"
        );
        assert_eq!(explained("ssl.ca.location failed"), "ssl.ca.location failed");
    }

    #[test]
    fn an_address_that_only_the_broker_knows_is_named() {
        let said = explained(
            "kafka-x.y:9092/1: Failed to resolve 'kafka-x.y:9092': Name or service not known (after 1ms)",
        );
        assert!(
            said.contains("advertises the address kafka-x.y:9092, where it cannot be reached (Name or service not known)"),
            "{said}"
        );
        assert!(said.contains("advertised.listeners"), "{said}");
        // The broker that was given, once it has told its number.
        assert_eq!(
            explained("given:9092/1: Disconnected (after 20ms in state UP)"),
            "Disconnected"
        );
    }

    #[test]
    fn the_likely_cause_is_said() {
        for (said, cause) in [
            (
                "ssl://given:9092/bootstrap: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?",
                "does not speak TLS",
            ),
            (
                "sasl_plaintext://given:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Request not valid in \
                 current SASL state: broker's supported mechanisms: ",
                "does not accept a login",
            ),
            (
                "ssl://given:9092/bootstrap: SSL handshake failed: error:0A000086: certificate verify failed: broker \
                 certificate could not be verified, verify that ssl.ca.location is correctly configured",
                "ssl.ca.location=FILE",
            ),
        ] {
            assert!(explained(said).contains(cause), "{said}");
        }
    }
}

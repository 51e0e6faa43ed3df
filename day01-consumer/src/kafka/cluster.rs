//! A Kafka cluster, and how its clients connect: addresses, and options of librdkafka that a person adds.
//!
//! All clients of a program are made from here: consumers, producers, and those that create topics. What a person adds
//! comes last and so wins over this program's own choice, except where the program depends on it: those options are
//! refused, with the reason. Values are never shown, because some of them are passwords.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;

use crate::Error;

/// An option of librdkafka as a person writes it, `NAME=VALUE`. It is checked by [`Cluster::new`] and not while the command
/// line is read, since errors of that show what was written.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientOption {
    name: String,
    value: Option<String>,
}

impl ClientOption {
    /// The option with this name and value.
    pub fn new(name: &str, value: &str) -> Self {
        let (name, value) = (name.to_string(), Some(value.to_string()));
        ClientOption { name, value }
    }

    /// Why it cannot be taken, if it cannot: it is unknown, has a value that it cannot have, or is not a person's to choose.
    /// The reason never shows the value.
    pub fn check(&self) -> Result<(), String> {
        let ClientOption { name, value } = self;
        let Some(value) = value else {
            return Err("expected NAME=VALUE, for instance security.protocol=sasl_ssl".to_string());
        };
        if let Some(reason) = settled(name) {
            return Err(reason.to_string());
        }
        match ClientConfig::new().set(name, value).create_native_config() {
            Ok(_) => Ok(()),
            Err(KafkaError::ClientConfig(_, reason, ..)) if reason.starts_with("No such configuration") => {
                Err(match similar(name) {
                    Some(similar) => format!("librdkafka has no such option; did you mean {similar}?"),
                    None => "librdkafka has no such option; its CONFIGURATION.md lists all".to_string(),
                })
            }
            // Words of librdkafka's may hold the value.
            Err(KafkaError::ClientConfig(_, reason, ..))
                if value.is_empty() || !reason.contains(value.as_str()) =>
            {
                Err(reason)
            }
            Err(_) => Err(
                "librdkafka does not accept this value; its CONFIGURATION.md lists the accepted ones"
                    .to_string(),
            ),
        }
    }
}

impl FromStr for ClientOption {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        let name = name.trim().to_string();
        Ok(ClientOption { name, value })
    }
}

impl fmt::Debug for ClientOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

/// Where a Kafka is, and how its clients connect. Shown by its addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    brokers: String,
    options: Vec<ClientOption>,
}

impl Cluster {
    /// The Kafka at `HOST:PORT[,HOST:PORT…]`, whose clients have these options. An error that says what is wrong with one.
    pub fn new(brokers: &str, options: &[ClientOption]) -> Result<Self, Error> {
        check_addresses(brokers)?;
        for option in options {
            let wrong = |reason| Error::Usage(format!("--kafka-option {}: {reason}", option.name));
            option.check().map_err(wrong)?;
        }
        Ok(Cluster {
            brokers: brokers.to_string(),
            options: options.to_vec(),
        })
    }

    /// Whether a person has given this address.
    pub(super) fn names(&self, address: &str) -> bool {
        self.addresses().any(|given| given == address)
    }

    /// Whether its clients speak TLS, as far as a person has said.
    pub(super) fn speaks_tls(&self) -> bool {
        let mut protocols = self
            .options
            .iter()
            .filter(|option| option.name == "security.protocol");
        let protocol = protocols.next_back().and_then(|option| option.value.as_deref());
        protocol.is_some_and(|protocol| protocol.to_lowercase().ends_with("ssl"))
    }

    /// The addresses that a person has given.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.brokers.split(',').map(str::trim)
    }

    /// Lets a client of this cluster be made: with the addresses, and with the options in place of what `config` says.
    pub fn configure(&self, config: &mut ClientConfig) {
        // librdkafka would write to stderr what the program reports by itself.
        config
            .set("bootstrap.servers", &self.brokers)
            .set_log_level(RDKafkaLogLevel::Emerg);
        for option in &self.options {
            config.set(&option.name, option.value.as_deref().unwrap_or_default());
        }
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.brokers)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.brokers, self.options)
    }
}

impl<S: AsRef<str>> From<S> for Cluster {
    fn from(brokers: S) -> Self {
        Cluster {
            brokers: brokers.as_ref().to_string(),
            options: Vec::new(),
        }
    }
}

/// An address is a host and a port, and no URL.
fn check_addresses(brokers: &str) -> Result<(), Error> {
    for address in brokers.split(',').map(str::trim) {
        if let Some((scheme, rest)) = address.split_once("://") {
            let rest = rest.split('/').next().unwrap_or(rest);
            return Err(Error::Usage(format!(
                "{address:?} is a URL, but a broker's address is HOST:PORT: leave out {scheme}:// and write {rest}. \
                 To choose the protocol, use --kafka-option security.protocol=ssl, sasl_ssl or sasl_plaintext"
            )));
        }
        if !is_address(address) {
            return Err(Error::Usage(format!(
                "{address:?} is not the address of a broker; write HOST:PORT, such as localhost:9092"
            )));
        }
    }
    Ok(())
}

/// Whether it is a host, or an IPv6 address in brackets, and a port. librdkafka would complete or bend another one, and
/// then speak of an address that nobody has written.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let in_brackets = host.starts_with('[') && host.ends_with(']');
    let is_port =
        port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    is_port && !host.is_empty() && !host.contains([' ', '/', '@']) && (in_brackets || !host.contains(':'))
}

/// Why an option is not a person's to choose, if it is not.
fn settled(name: &str) -> Option<&'static str> {
    Some(match name {
        "bootstrap.servers" | "metadata.broker.list" => "use --brokers instead",
        "group.id" => "use --group instead",
        "auto.offset.reset" | "topic.auto.offset.reset" => {
            "choose the start with --from; while it reads, the program never jumps to another offset"
        }
        "enable.auto.commit"
        | "auto.commit.enable"
        | "auto.commit.interval.ms"
        | "enable.auto.offset.store"
        | "offset.store.method" => {
            "the program saves offsets with its state; commits by the client would lose or double records"
        }
        "isolation.level" => {
            "the program reads committed records only, because rows of an aborted transaction must not be counted"
        }
        "transactional.id" | "transaction.timeout.ms" | "enable.idempotence" => {
            "the program sets this itself, because other values could lose or double rows"
        }
        "allow.auto.create.topics" => {
            "a topic with a mistyped name would be created and read as an empty one"
        }
        "enable.partition.eof" | "statistics.interval.ms" => {
            "the program depends on it to know where a partition ends"
        }
        "debug" | "log_level" => "the program does not show the client's log",
        _ => return None,
    })
}

/// What people say most, for those who mistype it.
const COMMON: [&str; 19] = [
    "client.id",
    "compression.type",
    "enable.ssl.certificate.verification",
    "fetch.message.max.bytes",
    "message.max.bytes",
    "message.timeout.ms",
    "sasl.mechanism",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.ca.pem",
];

fn similar(name: &str) -> Option<&'static str> {
    let likeness = |other: &str| strsim::jaro_winkler(name, other);
    let nearest = COMMON
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) > 0.85).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(brokers: &str, options: &[&str]) -> Result<Cluster, String> {
        let options = options
            .iter()
            .map(|text| text.parse().unwrap_or_else(|never| match never {}));
        Cluster::new(brokers, &Vec::from_iter(options)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_reach_the_client_in_place_of_our_own_choice() {
        let cluster = cluster("a:1,b:2", &["fetch.wait.max.ms=7", "sasl.password=a=b"]).expect("options");
        let mut config = ClientConfig::new();
        config.set("fetch.wait.max.ms", "100");
        cluster.configure(&mut config);
        let said = ["bootstrap.servers", "fetch.wait.max.ms", "sasl.password"].map(|name| config.get(name));
        assert_eq!(said, [Some("a:1,b:2"), Some("7"), Some("a=b")]);
    }

    #[test]
    fn what_is_not_an_address_is_said_before_any_connection() {
        for scheme in ["kafka", "http", "SASL_SSL"] {
            let said = cluster(&format!("{scheme}://broker:9092/"), &[]).unwrap_err();
            assert!(
                said.contains(&format!("leave out {scheme}:// and write broker:9092.")),
                "{said}"
            );
        }
        let without_port = [
            "broker",
            "broker:",
            "broker:0",
            "broker:99999",
            "broker:+1",
            "[::1]",
            "::1:9092",
            ":9092",
        ];
        for wrong in ["", "a:1,", "a:1 b:2", "me@broker:1", "broker:1/x"]
            .iter()
            .chain(&without_port)
        {
            let said = cluster(wrong, &[]).unwrap_err();
            assert!(said.contains("write HOST:PORT"), "{said}");
        }
        for right in ["broker:9092", "a:1, b:2", "[::1]:9092", "10.0.0.1:1"] {
            assert!(cluster(right, &[]).is_ok(), "{right:?}");
        }
    }

    #[test]
    fn an_option_that_cannot_be_taken_is_named_with_the_reason() {
        for (option, reason) in [
            ("sasl.pasword=x", "did you mean sasl.password?"),
            ("security.protocoll=ssl", "did you mean security.protocol?"),
            ("nothing.like.it=x", "lists all"),
            ("security.protocol", "expected NAME=VALUE"),
            ("isolation.level=read_uncommitted", "reads committed records only"),
            ("enable.auto.commit=true", "lose or double records"),
            ("group.id=x", "--group"),
            ("transactional.id=x", "sets this itself"),
            ("security.protocol=tls", "not accept this value"),
            ("sasl.jaas.config=org.apache", "JAAS"),
        ] {
            let said = cluster("a:1", &[option]).unwrap_err();
            let (name, _) = option.split_once('=').unwrap_or((option, ""));
            assert!(said.starts_with(&format!("--kafka-option {name}: ")), "{said}");
            assert!(said.contains(reason), "{said}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        const SECRET: &str = "hunter2-hunter2";
        for name in [
            "sasl.password",
            "ssl.key.password",
            "sasl.pasword",
            "no.such.option",
            "security.protocol",
        ] {
            let option = format!("{name}={SECRET}");
            let said = match cluster("a:1", &[&option]) {
                Ok(cluster) => format!("{cluster} {cluster:?}"),
                Err(said) => said,
            };
            assert!(!said.contains(SECRET), "{said}");
        }
    }
}

//! A real Kafka, which the environment names, and what tests do to it: topics of their own, retention, and what stops it.

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use day01_consumer::kafka::ensure_topic;
use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rustix::process::{Pid, Signal, kill_process};

use super::eventually;

/// What the environment says.
pub fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see the first lines of real_kafka.rs"))
}

pub fn brokers() -> String {
    setting("KAFKA_BROKERS")
}

/// Stops or starts the broker.
pub fn kafka_script(action: &str) {
    run_script(&[
        action,
        "--port",
        &setting("KAFKA_PORT"),
        "--dir",
        &setting("KAFKA_DIR"),
    ]);
}

fn run_script(args: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/kafka");
    let status = Command::new(script).args(args).status();
    assert!(status.unwrap().success(), "kafka {args:?}");
}

/// The ways to log in, as options of librdkafka: address, and options for all clients. With TLS, where a port has it.
pub fn logins() -> Vec<(String, Vec<String>)> {
    let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
    let all = mechanisms.iter().flat_map(|mechanism| {
        ["SASL_PLAINTEXT", "SASL_SSL"].map(|protocol| {
            let options = [
                format!("security.protocol={}", protocol.to_lowercase()),
                format!("sasl.mechanism={mechanism}"),
                "sasl.username=reader".to_string(),
                "sasl.password=reader-secret".to_string(),
                format!("ssl.ca.location={}/tls/ca.pem", setting("KAFKA_DIR")),
            ];
            (secure_port(protocol), options.to_vec())
        })
    });
    all.collect()
}

/// Where the broker listens for this protocol.
pub fn secure_port(protocol: &str) -> String {
    let ports = std::fs::read_to_string(Path::new(&setting("KAFKA_DIR")).join("ports"));
    let ports = ports.expect("a broker that was started with --secure");
    let mut words = ports.split_whitespace();
    words.find(|word| *word == protocol).unwrap();
    format!("127.0.0.1:{}", words.next().unwrap())
}

/// Where the controller listens.
pub fn controller_port() -> String {
    let file = Path::new(&setting("KAFKA_DIR")).join("server.properties");
    let properties = std::fs::read_to_string(file).unwrap();
    let mut lines = properties.lines();
    let line = lines.find_map(|line| line.strip_prefix("controller.quorum.bootstrap.servers="));
    line.unwrap().to_string()
}

/// A broker of its own that is out of its cluster for five of each fourteen seconds, so that it answers that there are no
/// brokers and that nobody leads any partition: it says too seldom that it is alive. A broker that hangs for longer than
/// its session is in that state for a moment.
pub struct Flapping {
    pub brokers: String,
    port: String,
    dir: PathBuf,
}

impl Flapping {
    /// Three of its turns, and a little more.
    pub const THRICE: Duration = Duration::from_secs(45);

    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let broker = Flapping {
            brokers: format!("127.0.0.1:{port}"),
            port: port.to_string(),
            dir: env::temp_dir().join(unused_name("flapping")),
        };
        let settings = [
            "broker.session.timeout.ms=9000",
            "broker.heartbeat.interval.ms=14000",
        ];
        broker.script("up", &["--set", settings[0], "--set", settings[1]]);
        broker
    }

    /// A topic of one partition, however often that has to be asked for.
    pub fn new_topic(&self) -> String {
        let name = unused_name("flapping");
        eventually("a new topic", || {
            ensure_topic(&self.brokers.as_str().into(), &name, 1).ok()
        });
        name
    }

    fn script(&self, action: &str, options: &[&str]) {
        let dir = self.dir.display().to_string();
        run_script(&[&[action, "--port", &self.port, "--dir", &dir], options].concat());
    }
}

impl Drop for Flapping {
    fn drop(&mut self) {
        self.script("down", &["--delete"]);
    }
}

/// The broker hangs for as long as this lives, so that it goes on even if the test fails meanwhile.
pub struct Hung;

impl Hung {
    pub fn now() -> Self {
        signal_kafka(Signal::STOP);
        Hung
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        signal_kafka(Signal::CONT);
    }
}

fn signal_kafka(signal: Signal) {
    let file = Path::new(&setting("KAFKA_DIR")).join("kafka.pid");
    let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub fn admin() -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers()).create().unwrap()
}

/// A name that no other test and no other run uses.
#[expect(clippy::disallowed_methods, reason = "a test against a server of its own")]
pub fn unused_name(what: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{millis}-{}-{number}", std::process::id())
}

pub fn new_topic(what: &str, partitions: i32) -> String {
    new_topic_with(what, partitions, &[])
}

pub fn new_topic_with(what: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
    let name = unused_name(what);
    create_topic(&name, partitions, settings);
    name
}

pub fn create_topic(name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    topic.config = settings.to_vec();
    // A topic of that name may be on its way out, and a broker on its way in.
    let in_time = AdminOptions::new().request_timeout(Some(Duration::from_secs(10)));
    eventually("a new topic", || {
        let created = block_on(admin().create_topics([&topic], &in_time)).ok()?;
        created[0].is_ok().then_some(())
    });
}

pub fn delete_topic(name: &str) {
    let deleted = block_on(admin().delete_topics(&[name], &AdminOptions::new())).unwrap();
    deleted[0].as_ref().unwrap();
}

/// Makes the topic have so many.
pub fn add_partitions(topic: &str, partitions: usize) {
    let grown = NewPartitions::new(topic, partitions);
    let created = block_on(admin().create_partitions([&grown], &AdminOptions::new())).unwrap();
    created[0].as_ref().unwrap();
}

/// What retention does to the oldest records of a partition.
pub fn delete_records(topic: &str, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before))
        .unwrap();
    block_on(admin().delete_records(&list, &AdminOptions::new())).unwrap();
}

//! A look at a port that gives the client no answer, by hand: what is it that listens there?
//!
//! librdkafka keeps quiet about a broker that closes the connection, because brokers do that for many reasons. Two
//! requests of Kafka's protocol tell them apart:
//!
//! ```text
//!   ApiVersions ──▶   nothing, or a TLS alert      it speaks TLS
//!                     "HTTP/1.1 …"                 it is a web server
//!                     a list without Metadata      it is a controller
//!                     a list with it
//!   Metadata ─────▶   the connection is closed     it wants a login
//! ```
//!
//! Left out: looking behind TLS, where the client gives reasons by itself.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long each step may take.
const WITHIN: Duration = Duration::from_secs(1);

/// ApiVersions (18), version 0, correlation id 1, no client id.
const API_VERSIONS: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff";
/// Metadata (3), version 1, correlation id 2, no client id, about no topic.
const METADATA: &[u8] = b"\0\0\0\x0e\0\x03\0\x01\0\0\0\x02\xff\xff\0\0\0\0";
/// The number of Metadata among Kafka's requests.
const METADATA_KEY: [u8; 2] = [0, 3];

/// What is probable where the client has come as far as through TLS, and gives no reason.
pub(super) const BEHIND_TLS: &str = "the broker accepts TLS and then gives no answer, as brokers do that require a \
    login; set security.protocol=sasl_ssl, sasl.mechanism, sasl.username and sasl.password with --kafka-option";

/// What is wrong with the port, if two questions show it.
pub(super) fn likely_cause(address: &str) -> Option<&'static str> {
    let mut stream = connect(address)?;
    let versions = ask(&mut stream, API_VERSIONS)?;
    if versions.starts_with(b"HTTP/") {
        return Some("a web server answers at this port, not Kafka");
    }
    // Length, correlation id, error code, number of entries; then six bytes for each entry, its key first.
    let Some((head, entries)) = versions.split_at_checked(14) else {
        return Some(
            "the broker closes the connection, as brokers do that require TLS; use --kafka-option \
             security.protocol=ssl, or sasl_ssl if it requires a login, or use its port without TLS",
        );
    };
    if !head.starts_with(&[0, 0]) || head.get(4..8) != Some(&[0, 0, 0, 1][..]) {
        return Some("the server at this port is not Kafka");
    }
    if !entries
        .chunks_exact(6)
        .any(|entry| entry.starts_with(&METADATA_KEY))
    {
        return Some(
            "a Kafka controller answers at this port, and it serves no topics; use the port of a broker",
        );
    }
    ask(&mut stream, METADATA)?.is_empty().then_some(
        "the broker closes the connection, as brokers do that require a login; set security.protocol=sasl_plaintext, \
         sasl.mechanism, sasl.username and sasl.password with --kafka-option, or use its port without login",
    )
}

fn connect(address: &str) -> Option<TcpStream> {
    let mut found = address.to_socket_addrs().ok()?;
    let stream = found.find_map(|found| TcpStream::connect_timeout(&found, WITHIN).ok())?;
    stream.set_read_timeout(Some(WITHIN)).ok()?;
    stream.set_write_timeout(Some(WITHIN)).ok()?;
    Some(stream)
}

/// What comes back until the connection is closed: a whole answer of Kafka, or else what there is. None if nothing has come
/// in time, which says nothing of who listens there.
fn ask(stream: &mut TcpStream, request: &[u8]) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    if stream.write_all(request).is_err() {
        return Some(answer);
    }
    let mut bytes = [0; 4_096];
    while answer.len() < bytes.len() {
        let read = match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (!answer.is_empty()).then_some(answer);
            }
            Err(_) => break,
        };
        answer.extend_from_slice(bytes.get(..read).unwrap_or_default());
        let length = answer.first_chunk().map(|length| u32::from_be_bytes(*length));
        if length.is_some_and(|length| answer.len() >= (length as usize).saturating_add(4)) {
            break;
        }
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What is said of a server that gives these answers, one to each request, and then closes the connection.
    fn said(answers: &'static [&'static [u8]]) -> Option<&'static str> {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("an address").to_string();
        let serve = thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("a client");
            for answer in answers {
                let mut request = [0; 64];
                assert!(stream.read(&mut request).expect("a request") > 0);
                stream.write_all(answer).expect("a client that listens");
            }
            let _ = stream.read(&mut [0; 64]);
        });
        let said = likely_cause(&address);
        serve.join().expect("a server");
        said
    }

    /// One entry each: Metadata, and the quorum's Vote.
    const BROKER: &[u8] = b"\0\0\0\x10\0\0\0\x01\0\0\0\0\0\x01\0\x03\0\0\0\x0d";
    const CONTROLLER: &[u8] = b"\0\0\0\x10\0\0\0\x01\0\0\0\0\0\x01\0\x34\0\0\0\x02";

    #[test]
    fn what_listens_at_a_port_is_told_by_its_answers() {
        let cases: [(&'static [&'static [u8]], &str); 6] = [
            (&[], "require TLS"),
            (&[b"\x15\x03\x03\0\x02\x02\x50"], "require TLS"),
            (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "a web server"),
            (&[b"220 mail.example.com ESMTP ready\r\n"], "not Kafka"),
            (&[CONTROLLER], "a Kafka controller"),
            (&[BROKER], "require a login"),
        ];
        for (answers, expected) in cases {
            let said = said(answers).expect("a cause");
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(said(&[BROKER, b"\0\0\0\x04\0\0\0\x02"]), None, "nothing is wrong");
        assert_eq!(likely_cause("127.0.0.1:1"), None, "nobody listens there");
    }
}

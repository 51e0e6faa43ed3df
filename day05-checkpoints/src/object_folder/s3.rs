//! The client for a bucket of S3, and what its errors say to a person.
//!
//! Where the object store is and who asks, only the environment says: a command line can be seen by other users. What S3
//! answers in XML is cut down to its code and its message, so that no part of a signed request gets into an error.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, Error, ObjectStore, RetryConfig};
use reqwest::Url;

use super::ObjectFolder;
use crate::disk::DiskError;

/// How many characters of an answer are shown.
const SHOWN: usize = 200;

/// A folder in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    bucket: String,
    /// What all keys begin with, up to a slash.
    prefix: String,
}

/// From what stands behind `s3://`.
impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.trim_end_matches('/').split_once('/');
        let parts = parts.filter(|(bucket, prefix)| {
            !bucket.is_empty() && bucket.as_bytes().iter().all(is_of_a_name) && !prefix.starts_with('/')
        });
        let (bucket, prefix) =
            parts.ok_or("expected s3://BUCKET/PREFIX, with a prefix that no other job has")?;
        Ok(Address {
            bucket: bucket.to_string(),
            prefix: prefix.to_string(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl Address {
    /// Opens the folder as its newest run.
    pub fn open(&self) -> Result<ObjectFolder, DiskError> {
        ObjectFolder::open(self.client()?, &self.prefix, &self.to_string())
    }

    /// The folder of another run perhaps, only to be looked at.
    pub fn look(&self) -> Result<ObjectFolder, DiskError> {
        ObjectFolder::look(self.client()?, &self.prefix, &self.to_string())
    }

    fn client(&self) -> Result<Arc<dyn ObjectStore>, DiskError> {
        client(&self.bucket).map_err(|error| DiskError::Failed {
            what: "use",
            file: self.to_string(),
            error,
        })
    }
}

/// The client for a bucket, as the variables `AWS_…` say. A request that fails is tried again for half a minute at most.
fn client(bucket: &str) -> io::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        max_retries: 5,
        retry_timeout: Duration::from_secs(30),
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(2),
            ..BackoffConfig::default()
        },
    };
    // A large file may take long, as long as its bytes come.
    let limits = [
        (ClientConfigKey::ReadTimeout, "20s"),
        (ClientConfigKey::Timeout, "1h"),
    ];
    let builder = checked(AmazonS3Builder::from_env())?.with_bucket_name(bucket);
    let builder = limits.into_iter().fold(builder, |builder, (key, limit)| {
        builder.with_config(AmazonS3ConfigKey::Client(key), limit)
    });
    Ok(Arc::new(builder.with_retry(retry).build().map_err(failed)?))
}

/// Refuses what cannot be part of a request. Values are not shown: they may be secrets.
fn checked(mut builder: AmazonS3Builder) -> io::Result<AmazonS3Builder> {
    use AmazonS3ConfigKey::{AccessKeyId, Endpoint, Region, S3Endpoint, Token};
    for key in [Endpoint, S3Endpoint] {
        let Some(text) = builder.get_config_value(&key) else {
            continue;
        };
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| url.has_host() && ["http", "https"].contains(&url.scheme()));
        let wrong = || io::Error::other("AWS_ENDPOINT is not an address such as https://s3.example.com");
        builder = builder.with_config(key, url.ok_or_else(wrong)?.as_str().trim_end_matches('/'));
    }
    let holds = |key, is_right: fn(&u8) -> bool| {
        let text = builder.get_config_value(&key).unwrap_or_default();
        text.as_bytes().iter().all(is_right)
    };
    match (
        holds(Region, is_of_a_name),
        holds(AccessKeyId, is_of_a_key) && holds(Token, is_of_a_key),
    ) {
        (true, true) => Ok(builder),
        (false, _) => Err(io::Error::other(
            "AWS_REGION is not the name of a region, such as us-east-1",
        )),
        (_, false) => Err(io::Error::other(
            "AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN has a character that cannot be in one, perhaps a line end",
        )),
    }
}

fn is_of_a_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(byte)
}

fn is_of_a_key(byte: &u8) -> bool {
    byte.is_ascii_graphic()
}

/// What has gone wrong, and what to do.
pub(super) fn failed(error: Error) -> io::Error {
    let whole = error.to_string();
    let between = |from, to| Some(whole.split_once(from)?.1.split_once(to)?.0);
    let code = between("<Code>", "</Code>").unwrap_or_default();
    let (kind, advice) = match (&error, code) {
        (Error::NotFound { .. }, "NoSuchBucket") => {
            (io::ErrorKind::Other, "create the bucket, or correct its name")
        }
        (Error::NotFound { .. }, _) => (io::ErrorKind::NotFound, ""),
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => (
            io::ErrorKind::PermissionDenied,
            "see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and the policy of the bucket",
        ),
        _ => (
            io::ErrorKind::Other,
            "see AWS_ENDPOINT (AWS_ALLOW_HTTP=true, if it is without TLS), AWS_REGION and the credentials",
        ),
    };
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let mut said = match between("<Message>", "</Message>") {
        Some(message) => format!("{code}: {message}"),
        None => cause.to_string(),
    };
    said = said.chars().take(SHOWN).collect();
    // The address is part of the error, unless it holds a password.
    let mut words = whole.split_whitespace();
    if let Some(address) = words.find(|word| word.starts_with("http") && !word.contains('@')) {
        said = format!("{said}, from {address}");
    }
    match advice {
        "" => io::Error::new(kind, said),
        advice => io::Error::new(kind, format!("{said}; {advice}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_part_of_a_request_is_refused_and_not_shown() {
        use AmazonS3ConfigKey::{AccessKeyId, Endpoint, Region, Token};
        for (key, value, variable) in [
            (Endpoint, "secret", "AWS_ENDPOINT"),
            (Endpoint, "http://", "AWS_ENDPOINT"),
            (Endpoint, "ftp://secret/", "AWS_ENDPOINT"),
            (Region, "secret region", "AWS_REGION"),
            (AccessKeyId, "secret\n", "AWS_ACCESS_KEY_ID"),
            (Token, "secr\u{e9}t", "AWS_SESSION_TOKEN"),
        ] {
            let builder = AmazonS3Builder::new().with_config(key, value);
            let error = checked(builder).map(drop).expect_err(value);
            let said = error.to_string();
            assert!(said.contains(variable) && !said.contains("secr"), "{said}");
        }
        let right = AmazonS3Builder::new().with_config(Endpoint, "http://127.0.0.1:9000/");
        checked(right).expect("an address");
    }
}

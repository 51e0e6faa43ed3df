//! Everything that can keep rows from a table, with what a person needs to act on it.

use std::error::Error as _;

use postgres::Error;
use postgres::error::SqlState;

use super::options::PostgresOptions;

/// What the client says of a server that has to speak TLS and does not.
const NO_TLS: &str = "server does not support TLS";

/// Why nothing more can be published to a table.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server answers, or it does not let this run in.
    #[error(
        "cannot connect to PostgreSQL at {address}: {}{}",
        in_words(error),
        what_to_do(error)
    )]
    Connect {
        /// The addresses of the server.
        address: String,
        /// What the client or the server said.
        error: Error,
    },
    /// The tables cannot be created or looked at.
    #[error("cannot prepare {place}: {}", in_words(error))]
    Prepare {
        /// The table.
        place: String,
        /// What the client or the server said.
        error: Error,
    },
    /// The table that is there cannot take the rows.
    #[error("cannot publish to {place}: {problem}; or take another table")]
    Table {
        /// The table.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The transaction has failed, or the connection is lost.
    #[error("cannot publish{} to {place}: {}", of_epoch(*epoch), in_words(error))]
    Publish {
        /// What was to be published, if that was it.
        epoch: Option<u64>,
        /// The table.
        place: String,
        /// What the client or the server said.
        error: Error,
    },
    /// The mark is not where this run has left it.
    #[error(
        "cannot publish epoch {epoch} to {place}: another run has taken over as sink {name} (table sink_epochs says {found}, \
         and this run knows of epoch {known}); only one run may publish at a time"
    )]
    OutOfStep {
        /// What was to be published.
        epoch: u64,
        /// The table.
        place: String,
        /// The name of the sink.
        name: String,
        /// The last epoch that is out, as far as this run knows.
        known: u64,
        /// What the mark says.
        found: String,
    },
}

impl PostgresError {
    /// For `map_err`.
    pub(super) fn connect(options: &PostgresOptions) -> impl FnOnce(Error) -> Self {
        let address = options.address();
        move |error| PostgresError::Connect { address, error }
    }

    /// For `map_err`.
    pub(super) fn prepare(options: &PostgresOptions) -> impl FnOnce(Error) -> Self {
        let place = options.place();
        move |error| PostgresError::Prepare { place, error }
    }

    /// For `map_err`.
    pub(super) fn publish(options: &PostgresOptions, epoch: Option<u64>) -> impl FnOnce(Error) -> Self {
        let place = options.place();
        move |error| PostgresError::Publish { epoch, place, error }
    }

    pub(super) fn table(options: &PostgresOptions, problem: String) -> Self {
        let place = options.place();
        PostgresError::Table { place, problem }
    }

    pub(super) fn out_of_step(
        options: &PostgresOptions,
        epoch: u64,
        known: u64,
        found: Option<(u64, i64)>,
    ) -> Self {
        PostgresError::OutOfStep {
            epoch,
            place: options.place(),
            name: options.name.clone(),
            known,
            found: match found {
                Some((mark, run)) => format!("epoch {mark} of run {run}"),
                None => "nothing".to_string(),
            },
        }
    }

    /// Whether another attempt, with a new connection, may succeed.
    pub(super) fn may_pass(&self) -> bool {
        let (PostgresError::Connect { error, .. } | PostgresError::Publish { error, .. }) = self else {
            return false;
        };
        match error.code() {
            // The connection is lost, or there is none. TLS that has worked at the start may work again.
            None => {
                error.is_closed()
                    || error
                        .source()
                        .is_some_and(|cause| cause.is::<std::io::Error>() || cause.is::<native_tls::Error>())
            }
            Some(code) => may_pass(code),
        }
    }
}

/// Whether the server may take the same again later.
fn may_pass(code: &SqlState) -> bool {
    // Connections, conflicts with other transactions, resources, and an operator who restarts the server.
    const CLASSES: [&str; 4] = ["08", "40", "53", "57"];
    *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || CLASSES.iter().any(|class| code.code().starts_with(class))
}

/// What has happened, without the rows that it has happened with.
fn in_words(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => said.message().to_string(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    }
}

/// What a person can do about TLS that both sides do not agree on.
fn what_to_do(error: &Error) -> &'static str {
    match error.source() {
        Some(cause) if cause.is::<native_tls::Error>() => {
            "; its certificate has to be signed by an authority in sslrootcert=FILE (without it, by one that this machine \
             trusts), and made out to this host for sslmode=verify-full; sslmode=require without sslrootcert accepts any"
        }
        Some(cause) if cause.to_string() == NO_TLS => {
            "; turn it on there (ssl = on), or say sslmode=disable if others may read what is sent"
        }
        _ => "",
    }
}

fn of_epoch(epoch: Option<u64>) -> String {
    epoch.map_or(String::new(), |epoch| format!(" epoch {epoch}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_may_take_later_is_tried_again() {
        #[rustfmt::skip]
        let table = [
            (SqlState::ADMIN_SHUTDOWN,           true),
            (SqlState::CRASH_SHUTDOWN,           true),
            (SqlState::CANNOT_CONNECT_NOW,       true),
            (SqlState::CONNECTION_FAILURE,       true),
            (SqlState::TOO_MANY_CONNECTIONS,     true),
            (SqlState::DISK_FULL,                true),
            (SqlState::T_R_SERIALIZATION_FAILURE, true),
            (SqlState::T_R_DEADLOCK_DETECTED,    true),
            (SqlState::LOCK_NOT_AVAILABLE,       true),
            (SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, true),
            (SqlState::INVALID_PASSWORD,         false),
            (SqlState::UNDEFINED_TABLE,          false),
            (SqlState::INSUFFICIENT_PRIVILEGE,   false),
            (SqlState::NUMERIC_VALUE_OUT_OF_RANGE, false),
            (SqlState::UNTRANSLATABLE_CHARACTER, false),
        ];
        for (code, passes) in table {
            assert_eq!(may_pass(&code), passes, "{code:?}");
        }
    }
}

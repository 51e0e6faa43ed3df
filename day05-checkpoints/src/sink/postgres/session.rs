//! A connection, and what is asked of it: the table, the mark, the rows.

use postgres::{Client, Row, Statement};

use super::error::PostgresError;
use super::options::PostgresOptions;
use crate::sink::encoded::Rows;

/// How many bytes of rows are sent at once.
const SENT_AT_ONCE: usize = 1 << 20;

/// A wait for a lock ends with an error, so that a person hears of it; and the server ends the transaction of a run that
/// hangs, which would hold back the next one.
const SETTINGS: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'";

const MARKS: &str = "CREATE TABLE IF NOT EXISTS sink_epochs \
                     (sink text PRIMARY KEY, epoch bigint NOT NULL, run bigint NOT NULL)";

/// A lock that every connection of a sink holds for as long as it lives. They hold it together, so it keeps none of them out.
const CONNECTED: &str = "SELECT pg_advisory_lock_shared(hashtext('sink_epochs'), hashtext($1))";

/// Whether another connection holds it.
const OTHERS: &str = "SELECT EXISTS (SELECT FROM pg_locks AS this JOIN pg_locks AS other \
                      USING (locktype, database, classid, objid, objsubid) \
                      WHERE locktype = 'advisory' AND this.pid = pg_backend_pid() AND other.pid <> this.pid)";

/// A connection.
pub(super) struct Session {
    client: Client,
    /// Takes rows.
    upsert: Option<Statement>,
}

/// What a run finds when it begins.
pub(super) struct Claimed {
    /// The last epoch that is out; none if there never was one.
    pub mark: Option<u64>,
    /// The number of this run.
    pub run: i64,
    /// Whether another run is connected.
    pub others: bool,
}

impl Session {
    pub(super) fn connect(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let connected = options
            .config
            .connect(options.tls.clone())
            .and_then(|mut client| {
                client.batch_execute(SETTINGS)?;
                client.execute(CONNECTED, &[&options.name])?;
                Ok(client)
            });
        let client = connected.map_err(PostgresError::connect(options))?;
        Ok(Session { client, upsert: None })
    }

    /// Creates what is missing, and checks that the table can take the rows.
    pub(super) fn prepare_tables(&mut self, options: &PostgresOptions) -> Result<(), PostgresError> {
        let failed = PostgresError::prepare(options);
        let (table, key) = (options.quoted_table(), options.names(|column| column.is_key));
        let create = format!(
            "{MARKS}; CREATE TABLE IF NOT EXISTS {table} ({}, PRIMARY KEY ({key}))",
            options.definitions()
        );
        let columns = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull AND NOT atthasdef \
                       FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let keys = "SELECT array_agg(attname::text ORDER BY attname) FROM pg_index \
                    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) \
                    WHERE indrelid = to_regclass($1) AND indisunique AND indpred IS NULL GROUP BY indexrelid";
        let found = self.client.batch_execute(&create).and_then(|()| {
            let columns = self.client.query(columns, &[&table])?;
            Ok((columns, self.client.query(keys, &[&table])?))
        });
        let (columns, keys) = found.map_err(failed)?;
        let mut found: Vec<(String, String, bool)> = columns
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect::<Result<_, postgres::Error>>()
            .map_err(PostgresError::prepare(options))?;
        for wanted in &options.columns {
            let column = found.iter().position(|(name, ..)| *name == wanted.name);
            match column.map(|column| found.swap_remove(column).1) {
                Some(sql_type) if sql_type == wanted.sql_type => {}
                other => {
                    let has = other.map_or("has no such column".to_string(), |other| format!("has {other}"));
                    let problem = format!(
                        "column {} has to be of type {}, and the table {has}",
                        wanted.name, wanted.sql_type
                    );
                    return Err(PostgresError::table(options, problem));
                }
            }
        }
        if let Some((name, ..)) = found.iter().find(|(.., must_be_given)| *must_be_given) {
            let problem = format!("its column {name} may not be NULL, and has no default");
            return Err(PostgresError::table(options, problem));
        }
        let mut wanted: Vec<&str> = key_names(options).collect();
        wanted.sort_unstable();
        let is_key = |row: &Row| row.try_get::<_, Vec<String>>(0).is_ok_and(|key| key == wanted);
        if keys.iter().any(is_key) {
            return Ok(());
        }
        let problem =
            format!("it has no key of these columns: say ALTER TABLE {table} ADD PRIMARY KEY ({key})");
        Err(PostgresError::table(options, problem))
    }

    // ANCHOR: claim
    /// Reads the mark, and if a run that it says `fits` begins here, shuts out all earlier ones. Both happen at once: the
    /// mark stays locked in between.
    pub(super) fn claim(
        &mut self,
        options: &PostgresOptions,
        fits: impl Fn(Option<u64>) -> bool,
    ) -> Result<Claimed, PostgresError> {
        let name = &options.name;
        let claim = |client: &mut Client| {
            let mut transaction = client.transaction()?;
            let is_new = transaction.execute(
                "INSERT INTO sink_epochs VALUES ($1, 0, 0) ON CONFLICT (sink) DO NOTHING",
                &[name],
            )? == 1;
            let row = transaction.query_one(
                "UPDATE sink_epochs SET run = run + 1 WHERE sink = $1 RETURNING epoch, run",
                &[name],
            )?;
            let mark = (!is_new).then_some(epoch_of(&row)?);
            let run = row.try_get(1)?;
            let others = transaction.query_one(OTHERS, &[])?.try_get(0)?;
            match fits(mark) {
                true => transaction.commit()?,
                false => transaction.rollback()?,
            }
            Ok(Claimed { mark, run, others })
        };
        claim(&mut self.client).map_err(PostgresError::publish(options, None))
    }

    /// Moves the mark from one epoch to the next, in a transaction that stays open. False if it was not there.
    pub(super) fn begin(
        &mut self,
        options: &PostgresOptions,
        run: i64,
        from: u64,
        to: u64,
    ) -> Result<bool, PostgresError> {
        let moved = self.client.batch_execute("BEGIN").and_then(|()| {
            let moved = self.client.execute(
                "UPDATE sink_epochs SET epoch = $1 WHERE sink = $2 AND run = $3 AND epoch = $4",
                &[&signed(to), &options.name, &run, &signed(from)],
            )?;
            if moved == 0 {
                self.client.batch_execute("ROLLBACK")?;
            }
            Ok(moved == 1)
        });
        moved.map_err(PostgresError::publish(options, Some(to)))
    }
    // ANCHOR_END: claim

    /// The mark, and the run that it belongs to.
    pub(super) fn mark(&mut self, options: &PostgresOptions) -> Result<Option<(u64, i64)>, PostgresError> {
        let sql = "SELECT epoch, run FROM sink_epochs WHERE sink = $1";
        let found = self
            .client
            .query_opt(sql, &[&options.name])
            .and_then(|row| row.map(|row| Ok((epoch_of(&row)?, row.try_get(1)?))).transpose());
        found.map_err(PostgresError::publish(options, None))
    }

    /// Sends rows from number `from` on; returns the number of the first that is left, or none.
    pub(super) fn send(
        &mut self,
        options: &PostgresOptions,
        epoch: u64,
        rows: &Rows,
        from: usize,
    ) -> Result<Option<usize>, PostgresError> {
        let mut json = String::from("[");
        let mut left = None;
        for (index, (_, row)) in rows.rows_from(from) {
            if json.len() > SENT_AT_ONCE {
                left = Some(index);
                break;
            }
            if index > from {
                json.push(',');
            }
            json.push_str(&String::from_utf8_lossy(row));
        }
        json.push(']');
        let sent = match self.upsert.take() {
            Some(upsert) => Ok(upsert),
            None => self.client.prepare(&options.upsert()),
        };
        let sent = sent.and_then(|upsert| {
            self.client.execute(&upsert, &[&json])?;
            self.upsert = Some(upsert);
            Ok(left)
        });
        sent.map_err(PostgresError::publish(options, Some(epoch)))
    }

    /// Ends the transaction. An error says nothing about whether it has come through.
    pub(super) fn commit(&mut self, options: &PostgresOptions, epoch: u64) -> Result<(), PostgresError> {
        let committed = self.client.batch_execute("COMMIT");
        committed.map_err(PostgresError::publish(options, Some(epoch)))
    }
}

fn key_names(options: &PostgresOptions) -> impl Iterator<Item = &str> {
    let keys = options.columns.iter().filter(|column| column.is_key);
    keys.map(|column| column.name.as_str())
}

fn epoch_of(row: &Row) -> Result<u64, postgres::Error> {
    Ok(row.try_get::<_, i64>(0)?.max(0).unsigned_abs())
}

fn signed(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

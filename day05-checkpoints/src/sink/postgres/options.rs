//! Which database, which table, and which columns.

use std::fmt;
use std::time::Duration;

use postgres::Config;
use postgres::config::Host;
use postgres_native_tls::MakeTlsConnector;

use super::tls;

/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// After how long a connection whose other side does not acknowledge anything is given up.
const LOST_AFTER: Duration = Duration::from_secs(15);
/// The environment variable that every client of PostgreSQL takes a password from.
const PASSWORD: &str = "PGPASSWORD";

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, which is that of the field of a row.
    pub name: String,
    /// Its type, as PostgreSQL writes it.
    pub sql_type: &'static str,
    /// Whether it belongs to the key.
    pub is_key: bool,
}

/// Where to publish, and what. Shown without the password.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) config: Config,
    pub(super) tls: MakeTlsConnector,
    /// The table, perhaps behind a schema: `sales.windows`.
    pub table: String,
    /// The name of this sink: the same at each start, and that of no other sink of this database.
    pub name: String,
    /// The columns that a row has.
    pub columns: Vec<Column>,
}

impl PostgresOptions {
    /// The database in `url`: `//USER:PASSWORD@HOST:PORT/DATABASE`, with or without `postgres:` before it, perhaps with
    /// `?sslmode=…` behind it. What is wrong with it is said without showing it.
    pub fn new(
        url: &str,
        table: impl Into<String>,
        name: impl Into<String>,
        columns: Vec<Column>,
    ) -> Result<Self, String> {
        let authority = url.split_once("//").map(|(_, rest)| rest);
        let authority = authority.map(|rest| rest.split('/').next().unwrap_or_default());
        // A client would take what is behind the first one for a host, and show it in its errors.
        if authority.is_some_and(|authority| authority.matches('@').count() > 1) {
            return Err("a password with @, / or : in it has to be written with %40, %2F or %3A".to_string());
        }
        let url = match url.starts_with("//") {
            true => format!("postgres:{url}"),
            false => url.to_string(),
        };
        let (url, tls) = tls::split(&url)?;
        let mut config: Config = url
            .parse()
            .map_err(|_| "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_string())?;
        if config.get_hosts().is_empty() {
            return Err("it names no host".to_string());
        }
        if config.get_password().is_none()
            && let Ok(password) = std::env::var(PASSWORD)
        {
            config.password(password);
        }
        config
            .connect_timeout(CONNECT_WITHIN)
            .tcp_user_timeout(LOST_AFTER);
        Ok(PostgresOptions {
            config,
            tls,
            table: table.into(),
            name: name.into(),
            columns,
        })
    }

    /// Table, database and address, for messages.
    pub(super) fn place(&self) -> String {
        let user = self.config.get_user().unwrap_or_default();
        let database = self.config.get_dbname().unwrap_or(user);
        format!(
            "table {} in database {database} at {}",
            self.table,
            self.address()
        )
    }

    /// The addresses of the server.
    pub(super) fn address(&self) -> String {
        let ports = self.config.get_ports();
        let address = |(index, host): (usize, &Host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(host) => format!("{host}:{port}"),
                Host::Unix(path) => path.display().to_string(),
            }
        };
        let hosts: Vec<String> = self.config.get_hosts().iter().enumerate().map(address).collect();
        hosts.join(",")
    }

    pub(super) fn quoted_table(&self) -> String {
        let names: Vec<String> = self.table.split('.').map(quoted).collect();
        names.join(".")
    }

    /// These columns, quoted, in a list.
    pub(super) fn names(&self, which: impl Fn(&Column) -> bool) -> String {
        let columns = self.columns.iter().filter(|column| which(column));
        let names: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
        names.join(", ")
    }

    /// All columns with their types.
    pub(super) fn definitions(&self) -> String {
        let definition = |column: &Column| format!("{} {}", quoted(&column.name), column.sql_type);
        let definitions: Vec<String> = self.columns.iter().map(definition).collect();
        definitions.join(", ")
    }

    /// Replaces rows by the last one of each key in `$1`, which is a JSON array of rows.
    pub(super) fn upsert(&self) -> String {
        let (all, key) = (self.names(|_| true), self.names(|column| column.is_key));
        let others = self.columns.iter().filter(|column| !column.is_key);
        let others = others.map(|column| format!("{0} = EXCLUDED.{0}", quoted(&column.name)));
        let others: Vec<String> = others.collect();
        format!(
            "INSERT INTO {} ({all}) SELECT DISTINCT ON ({key}) {all} \
             FROM ROWS FROM (json_to_recordset($1::text::json) AS ({})) WITH ORDINALITY AS sent ({all}, place_in_epoch) \
             ORDER BY {key}, place_in_epoch DESC ON CONFLICT ({key}) DO UPDATE SET {}",
            self.quoted_table(),
            self.definitions(),
            others.join(", ")
        )
    }

    pub(super) fn ahead(&self, mark: u64, last: u64) -> String {
        let from = match last {
            0 => "begins anew".to_string(),
            last => format!("goes on from checkpoint {last}"),
        };
        format!(
            "{} has everything of sink {} up to epoch {mark}, and this run {from}: go on with the --checkpoint-dir of that \
             run, take another table, or say DELETE FROM sink_epochs WHERE sink = '{}' if its rows are of no use any more",
            self.place(),
            self.name,
            self.name.replace('\'', "''")
        )
    }

    pub(super) fn taken_over(&self, run: i64) -> String {
        format!(
            "run {run} has taken over {} as sink {} from another run, which is still connected; if that one is still at \
             work, it ends with its next epoch",
            self.place(),
            self.name
        )
    }

    pub(super) fn lost(&self, mark: Option<u64>, first: Option<u64>) -> String {
        let found = mark.map_or("none".to_string(), |mark| format!("epoch {mark}"));
        format!(
            "table sink_epochs at {} should say that sink {} has published epoch {} or later, and says {found}: it is the \
             database of another job, or a copy that was restored; take the one that belongs to these checkpoints, or start \
             anew with another --checkpoint-dir",
            self.address(),
            self.name,
            first.unwrap_or_default()
        )
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresOptions({} as {})", self.place(), self.name)
    }
}

/// A name as PostgreSQL takes it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<PostgresOptions, String> {
        let column = |name: &str, sql_type, is_key| Column {
            name: name.to_string(),
            sql_type,
            is_key,
        };
        let columns = vec![column("id", "text", true), column("n", "bigint", false)];
        PostgresOptions::new(url, "sales.windows", "demo", columns)
    }

    #[test]
    fn a_url_names_its_place_and_never_its_password() {
        #[rustfmt::skip]
        let table = [
            ("//me:secret@db.example:5433/shop",          "table sales.windows in database shop at db.example:5433"),
            ("postgres://me:secret@localhost",            "table sales.windows in database me at localhost:5432"),
            ("postgresql://me@h/shop?password=secret",    "table sales.windows in database shop at h:5432"),
            ("host=h user=me password=secret dbname=d",   "table sales.windows in database d at h:5432"),
        ];
        for (url, place) in table {
            let options = parsed(url).expect(url);
            assert_eq!(options.place(), place);
            let shown = format!("{options:?}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_showing_it() {
        #[rustfmt::skip]
        let table = [
            ("//me:sec@ret@h/shop",            "%40"),
            ("//me:secret@h:port/shop",        "expected postgres://"),
            ("//me:secret@h/shop?sslmode=allow",   "sslmode: expected disable,"),
            ("//me:secret@h/shop?nonsense=1",  "expected postgres://"),
            ("user=me password=secret",        "no host"),
            ("",                               "no host"),
        ];
        for (url, said) in table {
            let error = parsed(url).expect_err(url);
            assert!(error.contains(said) && !error.contains("sec"), "{url}: {error}");
        }
    }

    #[test]
    fn names_are_quoted_whatever_is_in_them() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
        let sql = parsed("//me@h/d").expect("options").upsert();
        assert!(
            sql.starts_with("INSERT INTO \"sales\".\"windows\" (\"id\", \"n\") SELECT"),
            "{sql}"
        );
        assert!(
            sql.ends_with("ON CONFLICT (\"id\") DO UPDATE SET \"n\" = EXCLUDED.\"n\""),
            "{sql}"
        );
    }
}

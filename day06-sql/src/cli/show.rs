//! What a person sees: views while they change, and at the end.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use day01_consumer::Error as InputError;
use day01_consumer::cli::{Live, Progress, say};
use day01_consumer::lab::table::{self, Cell, Format};
use day02_state::cli::shown;
use day02_state::error::Error;

use crate::chunk::{Change, Chunk};
use crate::exec::report::{All, Watch};
use crate::format::encode::RowWriter;
use crate::plan::FileFormat;
use crate::types::{DataType, Scalar};
use crate::view::View;

/// How many rows of a view a table shows; json and csv have all of them.
const SHOWN: usize = 20;
/// How many rows of a view are shown while it changes.
const TOP: usize = 10;

/// The live view of day 1, over the first view of the job.
#[derive(Clone)]
pub struct Screen {
    live: Arc<Mutex<Live>>,
    /// LastPublished once the job is wired.
    view: Arc<OnceLock<View>>,
    /// Whether lines come out on the same screen, which would break the table.
    prints: bool,
}

impl Screen {
    /// Nothing to show yet; `prints` says whether the job writes lines to stdout.
    pub fn new(prints: bool) -> Self {
        Screen {
            live: Arc::new(Mutex::new(Live::new())),
            view: Arc::default(),
            prints: prints && std::io::stdout().is_terminal(),
        }
    }

    /// Shows this view from now on.
    pub fn watch(&self, view: View) {
        let _ = self.view.set(view);
    }

    /// Says how long everything took.
    pub fn finish(&self, all: &All) {
        self.live().finish(&self.shown(all, 0));
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, all: &All, rows: usize) -> Progress {
        let (columns, top) = match self.view.get() {
            Some(view) if rows > 0 => (
                names(view),
                view.first(rows).iter().map(|row| cells(row)).collect(),
            ),
            _ => (Vec::new(), Vec::new()),
        };
        Progress {
            columns,
            ..shown(&all.progress, &[], top)
        }
    }
}

impl Watch for Screen {
    fn progress(&mut self, all: &All) {
        if !self.prints {
            self.live().show(|| self.shown(all, TOP));
        }
    }

    fn warn(&mut self, warning: &str) {
        self.live().say(format!("warning: {warning}"));
    }
}

fn names(view: &View) -> Vec<String> {
    view.fields().iter().map(|field| field.name.clone()).collect()
}

fn cells(row: &[Scalar]) -> Vec<Cell> {
    let cell = |value: &Scalar| match value {
        Scalar::Int(_) | Scalar::BigInt(_) | Scalar::Double(_) | Scalar::Numeric(_) => {
            Cell::Number(value.to_string())
        }
        _ => Cell::Text(value.to_string()),
    };
    row.iter().map(cell).collect()
}

/// Prints what a view holds, all of it as csv or json, and the first rows as a table.
pub fn print(view: &View, format: Format) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    let mut rows = view.rows();
    let all = rows.len();
    let names = names(view);
    let file_format = match format {
        Format::Table => {
            rows.truncate(SHOWN);
            let columns: Vec<&str> = names.iter().map(String::as_str).collect();
            table::write(&mut out, format, &columns, rows.iter().map(|row| cells(row)))
                .map_err(InputError::Output)?;
            if all > SHOWN {
                say(format!(
                    "and {} more rows; --format csv or json prints all",
                    all - SHOWN
                ));
            }
            return Ok(());
        }
        Format::Json => FileFormat::Json,
        Format::Csv => FileFormat::Csv,
    };
    let mut chunk = Chunk::of(
        view.fields()
            .iter()
            .map(|field| field.data_type)
            .collect::<Vec<_>>(),
    );
    for row in &rows {
        chunk
            .push(Change::Insert, row)
            .map_err(|error| Error::Restore(error.into()))?;
    }
    let mut bytes = Vec::new();
    let writer = RowWriter::new(view.fields(), file_format);
    if file_format == FileFormat::Csv {
        // A name may need quotes as any text does.
        let mut header = Chunk::of(vec![DataType::Varchar; names.len()]);
        let names: Vec<Scalar> = names
            .iter()
            .map(|name| Scalar::Varchar(name.as_str().into()))
            .collect();
        header
            .push(Change::Insert, &names)
            .map_err(|error| Error::Restore(error.into()))?;
        writer.write(&header, 0, &mut bytes);
        bytes.push(b'\n');
    }
    for row in 0..chunk.rows {
        writer.write(&chunk, row, &mut bytes);
        bytes.push(b'\n');
    }
    out.write_all(&bytes)
        .and_then(|()| out.flush())
        .map_err(InputError::Output)?;
    Ok(())
}

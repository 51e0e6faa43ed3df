//! What a person sees: views while they change, and at the end.

use std::io::{IsTerminal, Write};

use day01_consumer::Error as InputError;
use day01_consumer::cli::{Live, Progress, say};
use day01_consumer::lab::table::{self, Cell, Format};
use day02_state::cli::{run_watched, shown};
use day02_state::error::{Error, JobError};
use day02_state::runtime::{Job, Stop};
use day02_state::status::StatusBoard;

use crate::chunk::{Change, Chunk};
use crate::format::encode::RowWriter;
use crate::plan::CsvOptions;
use crate::value::Scalar;
use crate::value::write::TimeForm;
use crate::view::View;

/// How many rows of a view a table shows; json and csv have all of them.
const SHOWN: usize = 20;
/// How many rows of a view are shown while it changes.
const TOP: usize = 10;

/// The live view of day 1, over the first view of the job.
pub struct Screen {
    live: Live,
    view: Option<View>,
    /// Whether lines come out on the same screen, which would break the table.
    prints: bool,
}

impl Screen {
    /// Shows this view, if there is one; `prints` says whether the job writes lines to stdout.
    pub fn new(prints: bool, view: Option<View>) -> Self {
        Screen {
            live: Live::new(),
            view,
            prints: prints && std::io::stdout().is_terminal(),
        }
    }

    /// Runs a job, and shows how far it has come.
    pub fn run(&mut self, job: Job, stop: &Stop) -> Result<(), JobError> {
        run_watched(job, stop, |board, warnings| {
            warnings.iter().for_each(|warning| self.live.say(warning));
            if !self.prints {
                self.live.show(|| shown_of(self.view.as_ref(), board));
            }
        })
    }

    /// Says how long everything took.
    pub fn finish(&mut self, board: &StatusBoard) {
        self.live.finish(&shown_of(None, board));
    }
}

fn shown_of(view: Option<&View>, board: &StatusBoard) -> Progress {
    let top = |view: &View| view.first(TOP).iter().map(|row| cells(row)).collect();
    Progress {
        columns: view.map(names).unwrap_or_default(),
        ..shown(&board.progress(), &[], view.map(top).unwrap_or_default())
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
    let fields = view.fields();
    let writer = match format {
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
        Format::Json => RowWriter::json(fields, TimeForm::Utc),
        Format::Csv => RowWriter::csv(CsvOptions::default(), TimeForm::Utc),
    };
    let mut chunk = Chunk::of(fields.iter().map(|field| field.data_type));
    for row in &rows {
        chunk
            .push(Change::Insert, row)
            .map_err(|error| Error::Restore(error.into()))?;
    }
    let mut bytes = Vec::new();
    if let RowWriter::Csv(writer) = &writer {
        // A name may need quotes as any text does.
        writer.write_names(names.iter().map(String::as_str), &mut bytes);
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

//! The checker: it reads the book and the code side by side and says where they disagree.
//!
//! mdBook builds a book with a missing anchor, an empty listing or a dead link without a word, and nobody notices that
//! a table was typed a month ago and is wrong today. A reader of this book does notice: for them a listing that is not
//! in the code, or a number that they cannot get, is a bug. So the rules are checked, and a test runs the check:
//!
//! | what must hold                                                        | where it is checked |
//! |-----------------------------------------------------------------------|---------------------|
//! | SUMMARY.md lists each page once, and only pages that exist            | `summary.rs`        |
//! | an include finds its file, its anchor or its lines                    | `includes.rs`       |
//! | an anchor is closed, holds code, and is shown by some page            | `anchors.rs`        |
//! | code is included, not typed; output is a snapshot, never typed        | `blocks.rs`         |
//! | links, images and headings lead somewhere                             | `links.rs`          |
//! | a question has its answer                                             | `questions.rs`      |
//! | a prediction has its outcome                                          | `predictions.rs`    |
//! | no measured number is typed                                           | `measurements.rs`   |
//!
//! All problems are found in one run; `problem.rs` lists every kind with its sentence. An error ends the check early
//! only where a file or folder cannot be read at all.
//!
//! Left out on purpose:
//!
//! - Includes inside included files. mdBook follows them; here each file is looked at once, as it lies on the disk, so
//!   nothing is said about the links, headings or blocks of an included text.
//! - `book.toml`. The pages are the Markdown files below `chapters/`, whatever mdBook's settings say.
//! - The web. An address with a scheme (`https:`, `mailto:`) is not fetched.

use std::io;
use std::path::{Path, PathBuf};

mod anchors;
mod blocks;
mod directive;
mod includes;
mod links;
mod measurements;
mod page;
mod predictions;
mod problem;
mod project;
mod questions;
mod summary;

pub use problem::{Checked, Kind, Problem, Report};

use project::Project;

/// Why a book could not be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file or a folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Paths are named from the project's root, so the book has to lie below it.
    #[error("the book {} does not lie in the project {}", book.display(), project.display())]
    BookOutsideProject {
        /// The folder of the book.
        book: PathBuf,
        /// The folder of the project.
        project: PathBuf,
    },
}

/// Checks the book in `book_root`, the folder of `chapters/SUMMARY.md`, against the code in `project_root`.
pub fn check(book_root: &Path, project_root: &Path) -> Result<Report, CheckError> {
    let project = Project::open(book_root, project_root)?;
    let mut report = Report::default();

    let pages = summary::check(&project, &mut report)?;
    let included = includes::check(&pages, &project, &mut report)?;
    anchors::check(&included, &project, &mut report)?;
    blocks::check(&pages, &mut report);
    links::check(&pages, &project, &mut report);
    questions::check(&pages, &mut report);
    predictions::check(&pages, &mut report);
    measurements::check(&pages, &mut report);

    report.sort();
    Ok(report)
}

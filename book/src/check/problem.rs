//! Everything the checker can say, in one closed list.
//!
//! A sentence says what is wrong and, after the colon, what to do about it. A path or a name in it stands as the author
//! wrote it, so that it can be searched for.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// An include names a file that is not there.
    #[error("`{0}` is not a file: correct the path, which starts at the folder of this page")]
    FileMissing(String),
    /// An include reaches above the root of the project.
    #[error("`{0}` lies outside of the project: include only what every reader has")]
    FileOutsideProject(String),
    /// An include names lines that its file does not have.
    #[error("`{path}` has the lines 1 to {end}: include a range of them")]
    LinesMissing {
        /// The included file.
        path: String,
        /// Its last line.
        end: usize,
    },
    /// An include names an anchor that its file does not have.
    #[error("`{path}` has no anchor `{anchor}`: correct the name, or mark the lines in that file")]
    AnchorMissing {
        /// The included file.
        path: String,
        /// The name that is not in it.
        anchor: String,
    },
    /// An include of a snapshot shows the header that `insta` writes, or cuts off the text.
    #[error("the text of this snapshot starts at line {first}: write `{{{{#include {path}:{first}:}}}}`")]
    SnapshotHeader {
        /// The included file.
        path: String,
        /// The first line after its header.
        first: usize,
    },
    /// mdBook prints what it does not know as it stands.
    #[error(
        "`#{0}` is no directive of this book: write `#include` or `#rustdoc_include`, or a backslash before the braces"
    )]
    DirectiveUnknown(String),

    /// An anchor has no end.
    #[error("the anchor `{0}` is never closed: write `ANCHOR_END: {0}` after its last line")]
    AnchorUnclosed(String),
    /// An anchor holds nothing but blank lines and other anchors' comments.
    #[error("the anchor `{0}` is empty: close it after the lines that it is to show")]
    AnchorEmpty(String),
    /// Two anchors of one file have the same name, and mdBook shows only the first.
    #[error("the anchor `{0}` is opened twice in this file: rename one of the two")]
    AnchorTwice(String),
    /// An anchor is shown nowhere.
    #[error("no page includes the anchor `{0}`: include it, or delete its comments")]
    AnchorUnused(String),

    /// A listing is typed, so that no compiler ever sees it.
    #[error(
        "{lines} lines of {language} are typed here, six may be: include them from a file that is compiled or run"
    )]
    CodeTyped {
        /// The language of the block.
        language: String,
        /// How many lines are not includes.
        lines: usize,
    },
    /// Output is typed, so that no run ever confirms it.
    #[error(
        "typed output: output in the book is a snapshot; include the file that a test compares with a real run"
    )]
    OutputTyped,

    /// A link or an image leads to no file.
    #[error("`{0}` leads nowhere: correct the path, which starts at the folder of this page")]
    LinkBroken(String),
    /// A link leads to a page, but to no heading of it.
    #[error("`{0}` names no heading of that page: correct the part after the `#`")]
    HeadingMissing(String),
    /// A link in brackets has no definition, so that the brackets are printed.
    #[error("`[{0}]` is not defined: add a line `[{0}]: …`, or write `\\[` if it is not a link")]
    ReferenceUndefined(String),

    /// A page is not in the table of contents, so that mdBook leaves it out.
    #[error("this page is not in SUMMARY.md: list it there, include it in a page, or delete it")]
    PageUnlisted,
    /// The table of contents lists a page that is not there; mdBook would create it, empty.
    #[error("`{0}` is listed but is not a file: write the page, or delete the entry")]
    EntryMissing(String),
    /// The table of contents lists a page twice.
    #[error("`{0}` is listed twice: delete one of the entries")]
    EntryTwice(String),

    /// A folded answer has no question.
    #[error("this `<details>` asks nothing: write the question into a `<summary>`")]
    QuestionMissing,
    /// A question has no answer.
    #[error("this question has no answer: write it between `</summary>` and `</details>`")]
    AnswerMissing,
    /// A folded answer swallows the rest of the page.
    #[error("this `<details>` is never closed: write `</details>` after the answer")]
    QuestionUnclosed,
    /// The reader is asked to predict and never told the outcome.
    #[error("prediction {0} has no outcome: start a line of this folder with `**Answer {0}.**`")]
    PredictionUnanswered(u32),
    /// The outcome of something that the reader was never asked to predict.
    #[error("answer {0} answers no prediction: start a line of this folder with `**Predict {0}.**`")]
    AnswerUnasked(u32),
    /// A number is used twice in one folder.
    #[error("`{0}` stands twice in this folder: give one of the two another number")]
    NumberTwice(String),

    /// A measured number is typed and stays as it is when the measurement changes.
    #[error("`{0}` is a typed measurement: take the number from the results file by an include")]
    MeasurementTyped(String),
}

/// One thing to be mended, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, from the root of the project.
    pub file: PathBuf,
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong there.
    pub kind: Kind,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.kind)
    }
}

/// How much was looked at: "no problem" from a check of nothing would be worth nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Pages of the book.
    pub pages: usize,
    /// Includes in them.
    pub includes: usize,
    /// Links and images that lead to files or headings.
    pub links: usize,
    /// Folded questions and predictions.
    pub questions: usize,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "checked {} pages, {} includes, {} links and {} questions",
            self.pages, self.includes, self.links, self.questions
        )
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// All problems, by file and line.
    pub problems: Vec<Problem>,
    /// What was looked at.
    pub checked: Checked,
}

impl Report {
    pub(super) fn add(&mut self, file: &Path, line: usize, kind: Kind) {
        self.problems.push(Problem {
            file: file.to_path_buf(),
            line,
            kind,
        });
    }

    /// Sorts by place. Problems of one line stay in the order of the checks, and none is said twice.
    pub(super) fn sort(&mut self) {
        self.problems
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        self.problems.dedup();
    }
}

/// One line for each problem, and a closing line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        match self.problems.len() {
            0 => write!(f, "{}: no problem found", self.checked),
            1 => write!(f, "{}: 1 problem", self.checked),
            count => write!(f, "{}: {count} problems", self.checked),
        }
    }
}

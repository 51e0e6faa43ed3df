//! Anchors mark the lines of a source file that a page shows.
//!
//! An anchor is a pair of comments, and each comment has its line for itself:
//!
//! ```text
//!     // ANCHOR: total
//!     let total = prices.iter().sum();
//!     // ANCHOR_END: total
//! ```
//!
//! mdBook finds the words anywhere in a line, even in a string. Here only a comment counts, so that a program may speak
//! of anchors, as this one does.
//!
//! 1. Each anchor is closed, holds at least one line of code, and has a name of its own within its file.
//! 2. Each anchor of a file of the project is shown by a page: a mark that shows nothing only tells the readers of the
//!    source that the text once said something about it.
//!
//! Left out: an end without a beginning. It changes nothing in the book.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::includes::Included;
use super::project::Project;
use super::{CheckError, Kind, Report};

/// The files in which an anchor that no page shows is a problem.
const SOURCES: [&str; 4] = ["rs", "toml", "sql", "sh"];

/// How the comments of the included languages begin: Rust, TOML and shell, SQL, CSS, HTML and SVG.
const COMMENTS: [&str; 5] = ["//", "#", "--", "/*", "<!--"];

pub(super) struct Anchor<'a> {
    pub(super) name: &'a str,
    line: usize,
    body: Body,
}

enum Body {
    Code,
    Empty,
    Unclosed,
}

enum Mark<'a> {
    Opens(&'a str),
    Closes(&'a str),
}

pub(super) fn check(included: &Included, project: &Project, report: &mut Report) -> Result<(), CheckError> {
    let sources: BTreeSet<&PathBuf> = project.files_with(&SOURCES).collect();
    let included_files: BTreeSet<&PathBuf> = included.keys().collect();
    for file in &sources | &included_files {
        let text = project.read(file)?;
        let mut names = BTreeSet::new();
        for Anchor { name, line, body } in anchors_of(&text) {
            let mut add = |kind: fn(String) -> Kind| report.add(file, line, kind(name.to_string()));
            if !names.insert(name) {
                add(Kind::AnchorTwice);
                continue;
            }
            match body {
                Body::Code => {}
                Body::Empty => add(Kind::AnchorEmpty),
                Body::Unclosed => add(Kind::AnchorUnclosed),
            }
            let is_shown = included.get(file).is_some_and(|shown| shown.contains(name));
            if !is_shown && sources.contains(file) {
                add(Kind::AnchorUnused);
            }
        }
    }
    Ok(())
}

/// The anchors of a file, in the order in which they open.
pub(super) fn anchors_of(text: &str) -> Vec<Anchor<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut anchors = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(Mark::Opens(name)) = mark(line) {
            let body = body_of(name, &lines[index + 1..]);
            anchors.push(Anchor {
                name,
                line: index + 1,
                body,
            });
        }
    }
    anchors
}

fn body_of(name: &str, following: &[&str]) -> Body {
    let closes = |line: &&str| matches!(mark(line), Some(Mark::Closes(closed)) if closed == name);
    let Some(end) = following.iter().position(closes) else {
        return Body::Unclosed;
    };
    let is_code = |line: &&str| !line.trim().is_empty() && mark(line).is_none();
    if following[..end].iter().any(is_code) {
        Body::Code
    } else {
        Body::Empty
    }
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let line = line.trim_start();
    let comment = COMMENTS.iter().find_map(|sign| line.strip_prefix(sign))?;
    match comment.trim_start().split_once(':')? {
        ("ANCHOR", name) => Some(Mark::Opens(first_word(name))),
        ("ANCHOR_END", name) => Some(Mark::Closes(first_word(name))),
        _ => None,
    }
}

fn first_word(text: &str) -> &str {
    let ends_word = |c: char| !(c.is_alphanumeric() || c == '_' || c == '-');
    text.trim_start().split(ends_word).next().unwrap_or("")
}

//! No measured number is typed: it comes from the results file, through an include.
//!
//! Which number of a sentence was measured? The unit tells: nobody chooses nanoseconds, somebody has looked at a clock.
//! Such units are, after a number, with or without a space, a `million` or a `k` between them:
//!
//! 1. `ns`, `µs` and `us`, also per something: `ns/record`;
//! 2. anything per second: `MB/s`, `records/s`, `orders per second`;
//! 3. `CPU seconds`.
//!
//! Milliseconds, seconds and bytes are not among them, since a scenario chooses these ("a window of 10 seconds").
//!
//! Code is passed over, be it a block or a word, and so is HTML. Left out: numbers in words ("a hundred ns").

use pulldown_cmark::{Event, Tag};

use super::page::Page;
use super::{Kind, Report};

/// A micro is one of two letters that look alike.
const DURATIONS: [&str; 4] = ["ns", "µs", "μs", "us"];

const MULTIPLES: [&str; 6] = ["thousand", "million", "billion", "k", "M", "G"];

pub(super) fn check(pages: &[Page], report: &mut Report) {
    for page in pages {
        for (line, measurement) in measurements_in(&prose_of(page)) {
            report.add(&page.file, line, Kind::MeasurementTyped(measurement));
        }
    }
}

/// The page with its code and its HTML struck out, so that every line stays where it is.
fn prose_of(page: &Page) -> String {
    let mut prose = page.text.clone();
    for (event, range) in page.events() {
        if is_code_or_html(&event) {
            let struck: String = page.text[range.clone()].bytes().map(strike).collect();
            prose.replace_range(range, &struck);
        }
    }
    // A cell of a table ends what is said, a hard space does not.
    prose.replace('|', " | ").replace("&nbsp;", " ")
}

fn is_code_or_html(event: &Event<'_>) -> bool {
    let is_block = matches!(event, Event::Start(Tag::CodeBlock(_)) | Event::Html(_));
    is_block || matches!(event, Event::Code(_) | Event::InlineHtml(_))
}

fn strike(byte: u8) -> char {
    if byte == b'\n' { '\n' } else { '`' }
}

/// The measurements of a text, each with its line.
fn measurements_in(prose: &str) -> Vec<(usize, String)> {
    let words = words_of(prose);
    let mut found = Vec::new();
    for (index, (line, word)) in words.iter().enumerate() {
        let end = word.find(char::is_alphabetic).unwrap_or(word.len());
        let (number, attached) = word.split_at(end);
        let number = number.trim_matches(|c: char| !c.is_ascii_digit());
        let following = words[index + 1..].iter().map(|(_, word)| *word);
        let attached = Some(attached).filter(|word| !word.is_empty());
        let unit = unit_of(attached.into_iter().chain(following));
        if let Some(unit) = unit.filter(|_| !number.is_empty()) {
            found.push((*line, format!("{number} {unit}")));
        }
    }
    found
}

/// The words of a text, each with its line. A blank line is a word of its own: no sentence goes on behind it.
fn words_of(prose: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    for (line, text) in (1..).zip(prose.lines()) {
        if text.trim().is_empty() {
            words.push((line, ""));
        }
        words.extend(text.split_whitespace().map(|word| (line, word)));
    }
    words
}

/// The unit of a measurement, if these words begin with one.
fn unit_of<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut words = words.map(bare).peekable();
    let multiple = words.next_if(|word| MULTIPLES.contains(word));
    let mut next = || words.next().unwrap_or("");
    let unit = match (next(), next(), next()) {
        (unit, ..) if is_duration(unit) || unit.ends_with("/s") => unit.to_string(),
        (what, "per", "second") if !what.is_empty() => format!("{what} per second"),
        ("CPU", "seconds", _) => "CPU seconds".to_string(),
        _ => return None,
    };
    let multiple = multiple.map(|word| format!("{word} "));
    Some(multiple.unwrap_or_default() + &unit)
}

fn is_duration(unit: &str) -> bool {
    let duration = unit.split('/').next().unwrap_or("");
    DURATIONS.contains(&duration)
}

/// A word without what stands around it: `ns/record` of `**ns/record**,`.
fn bare(word: &str) -> &str {
    let start = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    start
        .split(|c: char| !(c.is_alphanumeric() || c == '/'))
        .next()
        .unwrap_or("")
}

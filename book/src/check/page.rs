//! A page as the checks see it: its text, its Markdown events, and lines for their places.
//!
//! The Markdown is parsed by the parser of mdBook, with mdBook's extensions: what is a heading or a code block here is
//! one in the book, too.

use std::ops::Range;
use std::path::PathBuf;

use pulldown_cmark::{BrokenLink, Event, Options, Parser};

use super::CheckError;
use super::project::Project;

pub(super) struct Page {
    pub(super) file: PathBuf,
    pub(super) text: String,
}

impl Page {
    pub(super) fn read(project: &Project, file: PathBuf) -> Result<Self, CheckError> {
        let text = project.read(&file)?;
        Ok(Page { file, text })
    }

    /// The events of the page, each with the bytes that it comes from.
    pub(super) fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, extensions()).into_offset_iter()
    }

    /// The labels in brackets that no line defines, each with its place.
    pub(super) fn undefined_references(&self) -> Vec<(String, usize)> {
        let mut undefined = Vec::new();
        let mut note = |link: BrokenLink<'_>| {
            undefined.push((link.reference.to_string(), link.span.start));
            None
        };
        // The parser reports while it goes along; what it yields is of no interest here.
        Parser::new_with_broken_link_callback(&self.text, extensions(), Some(&mut note)).for_each(drop);
        undefined
    }

    /// The line of a byte of the text, counted from one.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self
            .text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
    }
}

fn extensions() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_SMART_PUNCTUATION
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
}

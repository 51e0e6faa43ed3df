//! SUMMARY.md is the table of contents, and mdBook builds nothing else.
//!
//! 1. Every Markdown file below `chapters/` is listed, except one that a page includes: that is a part of a page, such
//!    as a table that the code has written.
//! 2. Every entry has its file. (mdBook would create an empty one and say nothing.)
//! 3. No file is listed twice.
//!
//! An entry without a target, `[Later]()`, is a chapter that is announced; it is left alone.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pulldown_cmark::{Event, Tag};

use super::includes::files_included_by;
use super::page::Page;
use super::project::{Project, resolve};
use super::{CheckError, Kind, Report};

/// Checks the table of contents and returns the pages of the book.
pub(super) fn check(project: &Project, report: &mut Report) -> Result<Vec<Page>, CheckError> {
    let summary = Page::read(project, project.chapters().join("SUMMARY.md"))?;
    let listed = listed_files(&summary, project, report);
    let (mut pages, others): (Vec<Page>, Vec<Page>) = markdown_files(&summary, project)?
        .into_iter()
        .partition(|page| listed.contains(&page.file));

    let included: BTreeSet<PathBuf> = pages.iter().chain(&others).flat_map(files_included_by).collect();
    for page in others {
        if !included.contains(&page.file) {
            report.add(&page.file, 1, Kind::PageUnlisted);
            pages.push(page);
        }
    }
    report.checked.pages = pages.len();
    Ok(pages)
}

fn listed_files(summary: &Page, project: &Project, report: &mut Report) -> BTreeSet<PathBuf> {
    let mut listed = BTreeSet::new();
    for (event, range) in summary.events() {
        let Event::Start(Tag::Link { dest_url, .. }) = event else {
            continue;
        };
        if dest_url.is_empty() {
            continue;
        }
        let file = resolve(&summary.file, &dest_url).filter(|file| project.is_file(file));
        let is_new = file.map(|file| listed.insert(file));
        let kind = match is_new {
            Some(true) => continue,
            Some(false) => Kind::EntryTwice(dest_url.to_string()),
            None => Kind::EntryMissing(dest_url.to_string()),
        };
        report.add(&summary.file, summary.line(range.start), kind);
    }
    listed
}

fn markdown_files(summary: &Page, project: &Project) -> Result<Vec<Page>, CheckError> {
    let chapters = project.chapters();
    project
        .files_with(&["md"])
        .filter(|file| file.starts_with(&chapters) && **file != summary.file)
        .map(|file| Page::read(project, file.clone()))
        .collect()
}

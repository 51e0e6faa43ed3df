//! Every include must find what it names.
//!
//! 1. The file exists, inside of the project: a reader who has the project has all of the book.
//! 2. Its anchor exists, or its lines do. mdBook would show an empty box for a missing anchor, and would cut off a range
//!    that is too long.
//! 3. An include of a snapshot (`*.snap`) starts below the header in which `insta` notes where the snapshot comes from.
//! 4. A directive that mdBook does not know is printed as it stands; mostly it is a typing error.
//!
//! What is included is noted, since `anchors.rs` asks which anchors nobody wants.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::anchors::anchors_of;
use super::directive::{Directive, Part, directives};
use super::page::Page;
use super::project::{Project, resolve};
use super::{CheckError, Kind, Report};

/// The files that pages include, each with the names of its anchors that are shown.
pub(super) type Included = BTreeMap<PathBuf, BTreeSet<String>>;

pub(super) fn check(pages: &[Page], project: &Project, report: &mut Report) -> Result<Included, CheckError> {
    let mut included = Included::new();
    for page in pages {
        for directive in directives(&page.text) {
            let problem = match directive.name {
                "include" | "rustdoc_include" => {
                    report.checked.includes += 1;
                    problem_of(&directive, page, project, &mut included)?
                }
                // The title that the browser shows.
                "title" => None,
                unknown => Some(Kind::DirectiveUnknown(unknown.to_string())),
            };
            if let Some(kind) = problem {
                report.add(&page.file, page.line(directive.offset), kind);
            }
        }
    }
    Ok(included)
}

/// The files that this page includes, whether they exist or not.
pub(super) fn files_included_by(page: &Page) -> Vec<PathBuf> {
    directives(&page.text)
        .iter()
        .filter(|directive| directive.is_include())
        .filter_map(|directive| resolve(&page.file, directive.path))
        .collect()
}

fn problem_of(
    directive: &Directive<'_>,
    page: &Page,
    project: &Project,
    included: &mut Included,
) -> Result<Option<Kind>, CheckError> {
    let path = directive.path.to_string();
    let Some(file) = resolve(&page.file, directive.path) else {
        return Ok(Some(Kind::FileOutsideProject(path)));
    };
    if !project.is_file(&file) {
        return Ok(Some(Kind::FileMissing(path)));
    }
    let text = project.read(&file)?;
    let shown = included.entry(file).or_default();
    if let Part::Anchor(anchor) = directive.part {
        shown.insert(anchor.to_string());
    }
    Ok(problem_of_snapshot(directive, &text).or_else(|| problem_of_part(directive, &text)))
}

fn problem_of_snapshot(directive: &Directive<'_>, text: &str) -> Option<Kind> {
    if !directive.path.ends_with(".snap") {
        return None;
    }
    let right = first_line_below_header(text);
    match directive.part {
        Part::Lines { first, .. } if first == right => None,
        _ => Some(Kind::SnapshotHeader {
            path: directive.path.to_string(),
            first: right,
        }),
    }
}

/// The header of a snapshot stands between two lines of three dashes.
fn first_line_below_header(text: &str) -> usize {
    let mut dashes = (1..).zip(text.lines()).filter(|(_, line)| *line == "---");
    dashes.nth(1).map_or(1, |(number, _)| number + 1)
}

fn problem_of_part(directive: &Directive<'_>, text: &str) -> Option<Kind> {
    let path = directive.path.to_string();
    match directive.part {
        Part::Anchor(name) => {
            let exists = anchors_of(text).iter().any(|anchor| anchor.name == name);
            (!exists).then(|| Kind::AnchorMissing {
                path,
                anchor: name.to_string(),
            })
        }
        Part::Lines { first, last } => {
            let end = text.lines().count();
            let last = last.unwrap_or(end);
            let exists = 1 <= first && first <= last && last <= end;
            (!exists).then_some(Kind::LinesMissing { path, end })
        }
    }
}

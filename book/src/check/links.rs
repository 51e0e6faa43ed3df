//! A link, an image or a heading that is named must be there.
//!
//! 1. A target without a scheme is a path from the folder of the page; it exists, inside of the project. It may be a page
//!    (`offsets.md`), an image, or a file of the source tree.
//! 2. What follows a `#` is a heading of that page, or a term of a definition list, by mdBook's rule: lowercase, spaces
//!    become dashes, other punctuation goes, and a name that is taken gets `-1`, `-2`. `{#name}` after a heading and
//!    `id="name"` in HTML are names as well.
//! 3. A label in brackets has a definition.
//!
//! `href` and `src` in HTML count as links. Left out: fragments of files that are not pages (`log.rs#L10`), names that
//! come into a page through an include, percent signs in paths, and attributes in single quotes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::page::Page;
use super::project::{Project, resolve};
use super::{Kind, Report};

type Headings<'a> = BTreeMap<&'a Path, BTreeSet<String>>;

pub(super) fn check(pages: &[Page], project: &Project, report: &mut Report) {
    let headings: Headings<'_> = pages
        .iter()
        .map(|page| (page.file.as_path(), headings_of(page)))
        .collect();
    for page in pages {
        for (target, offset) in links_of(page) {
            report.checked.links += 1;
            if let Some(kind) = problem_of(&target, page, project, &headings) {
                report.add(&page.file, page.line(offset), kind);
            }
        }
        for (label, offset) in page.undefined_references() {
            let kind = Kind::ReferenceUndefined(label);
            report.add(&page.file, page.line(offset), kind);
        }
    }
}

/// The targets that lie in the project, each with its place.
fn links_of(page: &Page) -> Vec<(String, usize)> {
    let mut links = Vec::new();
    for (event, range) in page.events() {
        let targets = match event {
            Event::Start(Tag::Link {
                link_type: LinkType::Email,
                ..
            }) => continue,
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                vec![dest_url.to_string()]
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                [attributes(&html, "href"), attributes(&html, "src")].concat()
            }
            _ => continue,
        };
        let local = targets.into_iter().filter(|target| !has_scheme(target));
        links.extend(local.map(|target| (target, range.start)));
    }
    links
}

fn has_scheme(target: &str) -> bool {
    let start = target.split(['/', '#']).next();
    start.is_some_and(|start| start.contains(':'))
}

fn problem_of(target: &str, page: &Page, project: &Project, headings: &Headings<'_>) -> Option<Kind> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = match (path, heading) {
        ("", "") => None,
        ("", _) => Some(page.file.clone()),
        _ => resolve(&page.file, path).filter(|file| project.exists(file)),
    };
    let Some(file) = file else {
        return Some(Kind::LinkBroken(target.to_string()));
    };
    let names = headings.get(file.as_path())?;
    let exists = heading.is_empty() || names.contains(heading);
    (!exists).then(|| Kind::HeadingMissing(target.to_string()))
}

/// All names that a link may have after its `#`.
fn headings_of(page: &Page) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut title: Option<String> = None;
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Heading { id: Some(id), .. }) => {
                names.insert(id.to_string());
            }
            Event::Start(Tag::Heading { .. } | Tag::DefinitionListTitle) => {
                title = Some(String::new());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(title) = &mut title {
                    title.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_) | TagEnd::DefinitionListTitle) => {
                if let Some(title) = title.take() {
                    let name = unused_name(&slug(&title), &names);
                    names.insert(name);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => names.extend(attributes(&html, "id")),
            _ => {}
        }
    }
    names
}

fn slug(title: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '-');
    let kept: String = title.trim().chars().filter(is_kept).collect();
    kept.replace(char::is_whitespace, "-").to_ascii_lowercase()
}

fn unused_name(slug: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (1..).map(|number| format!("{slug}-{number}"));
    let mut names = std::iter::once(slug.to_string()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// The values of all attributes of this name in a piece of HTML.
fn attributes(html: &str, name: &str) -> Vec<String> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value.to_string())
        .collect()
}

//! The directives of mdBook, `{{#include path:part}}`, as they stand in the text of a page.
//!
//! mdBook expands them before anything is read as Markdown, so they work everywhere: in code blocks, in HTML, in the
//! middle of a sentence. That is why they are searched for in the plain text. The syntax:
//!
//! 1. `path`, `path:` and `path::` are the whole file;
//! 2. `path:3` is one line, `path:3:` the lines from there on, `path::7` those up to there, `path:3:7` those between,
//!    with both ends;
//! 3. anything else after the colon is the name of an anchor;
//! 4. `\{{#…}}` is printed, not expanded, and so is everything up to the last `}}` of that line.
//!
//! Left out: paths in quotes, which newer versions of mdBook know, since no path of this project has a space.

pub(super) struct Directive<'a> {
    /// Where it starts in the text.
    pub(super) offset: usize,
    /// All of it, with the braces.
    pub(super) text: &'a str,
    /// What comes after the `#`.
    pub(super) name: &'a str,
    pub(super) path: &'a str,
    pub(super) part: Part<'a>,
}

/// Which lines of a file are meant.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// Both ends included; without a last line, up to the end.
    Lines {
        first: usize,
        last: Option<usize>,
    },
    Anchor(&'a str),
}

impl<'a> Directive<'a> {
    /// The directive whose two braces open at this byte.
    fn at(text: &'a str, offset: usize) -> Option<Self> {
        let length = text[offset..].find("}}")? + 2;
        let text = &text[offset..offset + length];
        let inside = text.strip_prefix("{{")?.strip_suffix("}}")?;
        let words = inside.trim_start().strip_prefix('#')?;
        let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let target = rest.split_whitespace().next().unwrap_or("");
        let (path, part) = target.split_once(':').unwrap_or((target, ""));
        let part = Part::parse(part);
        Some(Directive {
            offset,
            text,
            name,
            path,
            part,
        })
    }

    pub(super) fn is_include(&self) -> bool {
        matches!(self.name, "include" | "rustdoc_include")
    }
}

impl<'a> Part<'a> {
    fn parse(text: &'a str) -> Self {
        let (first, last) = match text.split_once(':') {
            Some((first, last)) => (first, last.parse().ok()),
            // A line number without a colon is the last line, too.
            None => (text, text.parse().ok()),
        };
        match first.parse() {
            Ok(first) => Part::Lines { first, last },
            Err(_) if first.is_empty() => Part::Lines { first: 1, last },
            Err(_) => Part::Anchor(first),
        }
    }
}

/// All directives of a text, without those that are escaped.
pub(super) fn directives(text: &str) -> Vec<Directive<'_>> {
    let mut found = Vec::new();
    let mut printed_until = 0;
    for (offset, _) in text.match_indices("{{") {
        if offset < printed_until {
            continue;
        }
        if text[..offset].ends_with('\\') {
            let line = text[offset..].lines().next().unwrap_or("");
            printed_until = offset + line.rfind("}}").unwrap_or(0);
        } else {
            found.extend(Directive::at(text, offset));
        }
    }
    found
}

/// Whether a line is an include and nothing else.
pub(super) fn is_only_an_include(line: &str) -> bool {
    let line = line.trim();
    directives(line)
        .iter()
        .any(|directive| directive.is_include() && directive.text == line)
}

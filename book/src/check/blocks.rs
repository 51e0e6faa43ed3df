//! What a code block may hold: includes, and a few typed lines where nothing can go stale.
//!
//! 1. Output (a block without a language, `text`, `console`, `json`, `csv`, or an indented one) is included from a file
//!    that a test compares with a real run. Not one line of it is typed.
//! 2. Code that is compiled or run (`rust`, `toml`, `sql`) is included, too; up to six typed lines may sketch a thought.
//!    Blank lines and includes do not count.
//! 3. Everything else may be typed: a command to try (`sh`), or a language that nothing here can run.

use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use super::directive::is_only_an_include;
use super::page::Page;
use super::{Kind, Report};

const MOST_TYPED_LINES: usize = 6;

struct Block {
    line: usize,
    language: String,
    body: String,
}

pub(super) fn check(pages: &[Page], report: &mut Report) {
    for page in pages {
        for block in blocks_of(page) {
            if let Some(kind) = problem_of(&block) {
                report.add(&page.file, block.line, kind);
            }
        }
    }
}

fn blocks_of(page: &Page) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (event, range) in page.events() {
        match (event, &mut open) {
            (Event::Start(Tag::CodeBlock(kind)), _) => {
                let line = page.line(range.start);
                open = Some(Block {
                    line,
                    language: language_of(&kind),
                    body: String::new(),
                });
            }
            (Event::Text(text), Some(block)) => block.body.push_str(&text),
            (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// The first word of the info string: `rust` of `rust,ignore`.
fn language_of(kind: &CodeBlockKind<'_>) -> String {
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    info.split([',', ' ']).next().unwrap_or("").to_string()
}

fn problem_of(block: &Block) -> Option<Kind> {
    let lines = typed_lines(&block.body);
    match block.language.as_str() {
        "" | "text" | "console" | "json" | "csv" => (lines > 0).then_some(Kind::OutputTyped),
        "rust" | "toml" | "sql" => (lines > MOST_TYPED_LINES).then(|| Kind::CodeTyped {
            language: block.language.clone(),
            lines,
        }),
        _ => None,
    }
}

fn typed_lines(body: &str) -> usize {
    body.lines()
        .filter(|line| !line.trim().is_empty() && !is_only_an_include(line))
        .count()
}

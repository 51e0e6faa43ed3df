//! Who is asked to predict a number is told it later.
//!
//! A line that starts with `**Predict 3.**` has exactly one line that starts with `**Answer 3.**` in the same folder, on
//! the same page or another, and the other way round. A folder is a day, so each day counts from one.
//!
//! A line of a quotation or of a list starts after its `>` or `-`.

use std::ops::Range;

use pulldown_cmark::{Event, Tag};

use super::page::Page;
use super::{Kind, Report};

struct Mark<'a> {
    page: &'a Page,
    line: usize,
    role: Role,
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Predict,
    Answer,
}

pub(super) fn check(pages: &[Page], report: &mut Report) {
    let marks: Vec<Mark<'_>> = pages.iter().flat_map(marks_of).collect();
    for (index, mark) in marks.iter().enumerate() {
        if let Some(kind) = problem_of(mark, &marks[..index], &marks) {
            report.add(&mark.page.file, mark.line, kind);
        }
    }
    let predictions = marks.iter().filter(|mark| mark.role == Role::Predict);
    report.checked.questions += predictions.count();
}

fn problem_of(mark: &Mark<'_>, earlier: &[Mark<'_>], all: &[Mark<'_>]) -> Option<Kind> {
    let Mark { role, number, .. } = *mark;
    if mark.has_partner(role, earlier) {
        return Some(Kind::NumberTwice(format!("**{role:?} {number}.**")));
    }
    let (other, alone) = match role {
        Role::Predict => (Role::Answer, Kind::PredictionUnanswered(number)),
        Role::Answer => (Role::Predict, Kind::AnswerUnasked(number)),
    };
    (!mark.has_partner(other, all)).then_some(alone)
}

impl Mark<'_> {
    /// Whether one of these marks has this role, for the same number in the same folder.
    fn has_partner(&self, role: Role, marks: &[Mark<'_>]) -> bool {
        let key = (self.page.file.parent(), self.number);
        marks
            .iter()
            .any(|mark| mark.role == role && (mark.page.file.parent(), mark.number) == key)
    }
}

fn marks_of(page: &Page) -> Vec<Mark<'_>> {
    let mut marks = Vec::new();
    for (event, range) in page.events() {
        if event == Event::Start(Tag::Strong) && starts_its_line(page, &range) {
            let line = page.line(range.start);
            let mark = role_and_number(&page.text[range]);
            marks.extend(mark.map(|(role, number)| Mark {
                page,
                line,
                role,
                number,
            }));
        }
    }
    marks
}

fn starts_its_line(page: &Page, range: &Range<usize>) -> bool {
    let before = page.text[..range.start].rsplit('\n').next().unwrap_or("");
    before.chars().all(|c| matches!(c, ' ' | '>' | '-'))
}

fn role_and_number(strong: &str) -> Option<(Role, u32)> {
    let (word, number) = strong.strip_prefix("**")?.strip_suffix(".**")?.split_once(' ')?;
    let role = match word {
        "Predict" => Role::Predict,
        "Answer" => Role::Answer,
        _ => return None,
    };
    Some((role, number.parse().ok()?))
}

//! Every question has its answer, folded away below it.
//!
//! ```text
//! <details><summary>What is lost after the crash?</summary>
//!
//! The batch that was polled but not yet committed.
//!
//! </details>
//! ```
//!
//! 1. A `<details>` has a `<summary>`, the question, which is not blank.
//! 2. Whatever else it shows, a text, an image or an include, is the answer; there is some.
//! 3. It is closed. In one that is not, the rest of the page would be folded away with the answer.
//!
//! Left out: a `</details>` too many, and tags or comments of HTML that go over several lines.

use pulldown_cmark::{Event, Tag};

use super::page::Page;
use super::{Kind, Report};

pub(super) fn check(pages: &[Page], report: &mut Report) {
    for page in pages {
        check_page(page, report);
    }
}

/// The `<details>` that are open at one point of a page, and whether that point lies in a `<summary>`.
#[derive(Default)]
struct Details {
    open: Vec<Question>,
    in_summary: bool,
}

struct Question {
    line: usize,
    asked: bool,
    answered: bool,
}

fn check_page(page: &Page, report: &mut Report) {
    let mut details = Details::default();
    for (event, range) in page.events() {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                for (text, tag) in texts_and_tags(&html) {
                    details.see(text);
                    if let Some(question) = details.pass(tag, page.line(range.start)) {
                        report.checked.questions += 1;
                        check_question(&question, page, report);
                    }
                }
            }
            Event::Text(text) | Event::Code(text) => details.see(&text),
            Event::Start(Tag::Image { .. }) => details.see("an image"),
            _ => {}
        }
    }
    for question in details.open {
        report.checked.questions += 1;
        report.add(&page.file, question.line, Kind::QuestionUnclosed);
    }
}

fn check_question(question: &Question, page: &Page, report: &mut Report) {
    if !question.asked {
        report.add(&page.file, question.line, Kind::QuestionMissing);
    }
    if !question.answered {
        report.add(&page.file, question.line, Kind::AnswerMissing);
    }
}

impl Details {
    /// Notes something that a reader sees.
    fn see(&mut self, text: &str) {
        if let Some(question) = self.open.last_mut()
            && !text.trim().is_empty()
        {
            question.asked |= self.in_summary;
            question.answered |= !self.in_summary;
        }
    }

    /// Passes a tag; one that closes a question gives it back.
    fn pass(&mut self, tag: &str, line: usize) -> Option<Question> {
        match tag.split([' ', '>', '\n']).next().unwrap_or("") {
            "details" => {
                self.see("a question within the answer");
                self.open.push(Question {
                    line,
                    asked: false,
                    answered: false,
                });
            }
            "summary" => self.in_summary = true,
            "/summary" => self.in_summary = false,
            "/details" => {
                self.in_summary = false;
                return self.open.pop();
            }
            "img" | "svg" => self.see("an image"),
            _ => {}
        }
        None
    }
}

/// Cuts HTML into pairs: a text and the tag behind it, without its `<`.
fn texts_and_tags(html: &str) -> impl Iterator<Item = (&str, &str)> {
    html.split_inclusive('>')
        .map(|piece| piece.split_once('<').unwrap_or((piece, "")))
}

//! What the checker must find, one miniature book for each kind of problem, and one book in which it must find nothing.
//!
//! A bad book stands in its test, beside the sentence that its reader gets; the good one is a folder, `books/good`. Code
//! with anchors is written as a list of strings here: an anchor is a comment on a line of its own, so that the check of
//! the real project finds none in this file.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers fail like the tests that they serve"
)]

use std::fs;
use std::path::Path;

use book::check::{CheckError, Checked, Kind, Report, check};
use tempfile::TempDir;

/// A book with a table of contents and one page, in a project of its own.
struct Book(TempDir);

impl Book {
    fn with_page(lines: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        Book(folder)
            .file("chapters/SUMMARY.md", &["- [Page](page.md)"])
            .file("chapters/page.md", lines)
    }

    fn file(self, path: &str, lines: &[&str]) -> Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lines.join("\n") + "\n").unwrap();
        self
    }

    fn report(&self) -> Report {
        check(self.0.path(), self.0.path()).unwrap()
    }

    /// The problems as a reader sees them.
    fn problems(&self) -> Vec<String> {
        self.report().problems.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_good_book_has_no_problem() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books/good");
    let report = check(&root.join("book"), &root).unwrap();
    assert_eq!(report.problems, []);
    let checked = Checked {
        pages: 4,
        includes: 15,
        links: 11,
        questions: 3,
    };
    assert_eq!(report.checked, checked);
    assert_eq!(
        report.to_string(),
        "checked 4 pages, 15 includes, 11 links and 3 questions: no problem found"
    );
}

#[test]
fn all_problems_are_reported_sorted_by_place() {
    let book = Book::with_page(&["12 ns", "", "[Nowhere](none.md)", "", "{{#include none.rs}}"])
        .file("chapters/lost.md", &["# Lost"]);
    let report = book.report();
    assert_eq!(
        report.to_string(),
        "chapters/lost.md:1: this page is not in SUMMARY.md: list it there, include it in a page, or delete it\n\
         chapters/page.md:1: `12 ns` is a typed measurement: take the number from the results file by an include\n\
         chapters/page.md:3: `none.md` leads nowhere: correct the path, which starts at the folder of this page\n\
         chapters/page.md:5: `none.rs` is not a file: correct the path, which starts at the folder of this page\n\
         checked 2 pages, 1 includes, 1 links and 0 questions: 4 problems"
    );
}

#[test]
fn a_book_outside_of_its_project_is_an_error() {
    let book = Book::with_page(&["# Page"]);
    let project = TempDir::new().unwrap();
    let error = check(book.0.path(), project.path()).unwrap_err();
    assert!(matches!(error, CheckError::BookOutsideProject { .. }));
}

#[test]
fn a_book_without_a_table_of_contents_is_an_error() {
    let folder = TempDir::new().unwrap();
    let error = check(folder.path(), folder.path()).unwrap_err();
    assert!(matches!(error, CheckError::Read { path, .. } if path.ends_with("chapters/SUMMARY.md")));
}

// Includes

#[test]
fn an_include_of_a_missing_file_is_reported() {
    let book = Book::with_page(&["# Page", "", "Some {{#include ../none.txt}} records."]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:3: `../none.txt` is not a file: correct the path, which starts at the folder of this page"
        ]
    );
}

#[test]
fn an_include_in_html_and_in_a_code_block_is_seen() {
    let book = Book::with_page(&[
        "<figure>",
        "{{#include none.svg}}",
        "</figure>",
        "",
        "```rust",
        "{{#rustdoc_include none.rs:main}}",
        "```",
    ]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:2: `none.svg` is not a file: correct the path, which starts at the folder of this page",
            "chapters/page.md:6: `none.rs` is not a file: correct the path, which starts at the folder of this page",
        ]
    );
}

#[test]
fn an_escaped_include_is_passed_over() {
    let book = Book::with_page(&[r"\{{#include none.rs}} and {{#include none.rs}}"]);
    assert_eq!(book.problems(), [""; 0]);
}

#[test]
fn an_include_from_outside_of_the_project_is_reported() {
    let book = Book::with_page(&["{{#include ../../secret.txt}}", "{{#include /etc/hostname}}"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:1: `../../secret.txt` lies outside of the project: include only what every reader has",
            "chapters/page.md:2: `/etc/hostname` lies outside of the project: include only what every reader has",
        ]
    );
}

#[test]
fn an_include_of_a_missing_anchor_is_reported() {
    let book = Book::with_page(&["```rust", "{{#include ../log.rs:total}}", "```"])
        .file("log.rs", &["let total = 0; // ANCHOR: total"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:2: `../log.rs` has no anchor `total`: correct the name, or mark the lines in that file"
        ]
    );
}

#[test]
fn an_include_of_lines_outside_of_the_file_is_reported() {
    let book = Book::with_page(&[
        "{{#include ../three.txt:2:3}}",
        "{{#include ../three.txt:2:4}}",
        "{{#include ../three.txt:4}}",
        "{{#include ../three.txt:3:2}}",
        "{{#include ../three.txt:0:}}",
        "{{#include ../three.txt::4}}",
    ])
    .file("three.txt", &["one", "two", "three"]);
    let problem = "`../three.txt` has the lines 1 to 3: include a range of them";
    let on_line = |line| format!("chapters/page.md:{line}: {problem}");
    assert_eq!(book.problems(), [2, 3, 4, 5, 6].map(on_line));
}

#[test]
fn an_include_that_shows_the_header_of_a_snapshot_is_reported() {
    let book = Book::with_page(&[
        "{{#include ../run.snap}}",
        "{{#include ../run.snap:4:}}",
        "{{#include ../run.snap:5:}}",
        "{{#include ../run.snap:5:6}}",
        "{{#include ../run.snap:6:}}",
    ])
    .file(
        "run.snap",
        &["---", "source: run.rs", "expression: out", "---", "one", "---"],
    );
    let problem = "the text of this snapshot starts at line 5: write `{{#include ../run.snap:5:}}`";
    let on_line = |line| format!("chapters/page.md:{line}: {problem}");
    assert_eq!(book.problems(), [1, 2, 5].map(on_line));
}

#[test]
fn a_misspelt_directive_is_reported() {
    let book = Book::with_page(&["# Page", "{{#inlcude page.md}}"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:2: `#inlcude` is no directive of this book: write `#include` or `#rustdoc_include`, \
          or a backslash before the braces"
        ]
    );
}

// Anchors

#[test]
fn an_anchor_that_is_never_closed_is_reported() {
    let book = Book::with_page(&["{{#include ../log.rs:total}}"]).file(
        "log.rs",
        &["", "// ANCHOR: total", "let total = 0;", "// ANCHOR_END: totl"],
    );
    assert_eq!(
        book.problems(),
        ["log.rs:2: the anchor `total` is never closed: write `ANCHOR_END: total` after its last line"]
    );
}

#[test]
fn an_empty_anchor_is_reported() {
    let book = Book::with_page(&["{{#include ../run.sh:outer}} {{#include ../run.sh:inner}}"]).file(
        "run.sh",
        &[
            "# ANCHOR: outer",
            "",
            "# ANCHOR: inner",
            "# ANCHOR_END: outer",
            "cargo run",
            "# ANCHOR_END: inner",
        ],
    );
    assert_eq!(
        book.problems(),
        ["run.sh:1: the anchor `outer` is empty: close it after the lines that it is to show"]
    );
}

#[test]
fn an_anchor_that_is_opened_twice_is_reported() {
    let book = Book::with_page(&["{{#include ../log.rs:total}}"]).file(
        "log.rs",
        &[
            "// ANCHOR: total",
            "let total = 0;",
            "// ANCHOR_END: total",
            "// ANCHOR: total",
            "let total = 1;",
            "// ANCHOR_END: total",
        ],
    );
    assert_eq!(
        book.problems(),
        ["log.rs:4: the anchor `total` is opened twice in this file: rename one of the two"]
    );
}

#[test]
fn an_anchor_that_no_page_includes_is_reported() {
    let rust = ["// ANCHOR: a", "let a = 0;", "// ANCHOR_END: a"];
    let script = ["# ANCHOR: a", "a=0", "# ANCHOR_END: a"];
    let sql = ["-- ANCHOR: a", "SELECT 0;", "-- ANCHOR_END: a"];
    let book = Book::with_page(&["{{#include ../used.rs:a}} {{#include ../whole.rs}}"])
        .file("used.rs", &rust)
        .file("whole.rs", &rust)
        .file("settings.toml", &script)
        .file("run.sh", &script)
        .file("view.sql", &sql)
        .file(".ci/run.sh", &script);
    let problem = "no page includes the anchor `a`: include it, or delete its comments";
    let in_file = |file| format!("{file}:1: {problem}");
    let files = [".ci/run.sh", "run.sh", "settings.toml", "view.sql", "whole.rs"];
    assert_eq!(book.problems(), files.map(in_file));
}

#[test]
fn anchors_of_built_hidden_and_miniature_files_are_passed_over() {
    let rust = ["// ANCHOR: a", "let a = 0;", "// ANCHOR_END: a"];
    let book = Book::with_page(&["# Page"])
        .file("target/a.rs", &rust)
        .file("day01/target/a.rs", &rust)
        .file(".git/a.rs", &rust)
        .file("book/a.rs", &rust)
        .file("tests/books/bad/a.rs", &rust)
        .file("notes.txt", &rust);
    assert_eq!(book.problems(), [""; 0]);
}

// Code blocks

#[test]
fn a_typed_listing_of_more_than_six_lines_is_reported() {
    let six = ["1", "2", "3", "", "4", "5", "6"];
    let seven = ["1", "2", "3", "4", "5", "6", "7"];
    let block = |info, body: &[&'static str]| [&[info], body, &["```", ""]].concat();
    let page = [
        block("```rust", &six),
        block("```rust,ignore", &seven),
        block("```toml", &seven),
        block("```sql", &seven),
        block("```sh", &seven),
    ];
    assert_eq!(
        Book::with_page(&page.concat()).problems(),
        [(11, "rust"), (21, "toml"), (31, "sql")].map(|(line, language)| format!(
            "chapters/page.md:{line}: 7 lines of {language} are typed here, six may be: \
             include them from a file that is compiled or run"
        ))
    );
}

#[test]
fn includes_do_not_count_as_typed_lines() {
    let include = "    {{#include ../log.rs}}";
    let mixed = "let a = {{#include ../log.rs}};";
    let book = Book::with_page(&[
        "```rust", include, "1", "2", "3", "4", "5", "6", include, "```", "", "```rust", mixed, mixed, mixed,
        mixed, mixed, mixed, mixed, include, "```",
    ])
    .file("log.rs", &["0"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:12: 7 lines of rust are typed here, six may be: \
          include them from a file that is compiled or run"
        ]
    );
}

#[test]
fn typed_output_is_reported() {
    let book = Book::with_page(&[
        "```",
        "total 3",
        "```",
        "```text",
        "total 3",
        "```",
        "```console",
        "$ run",
        "```",
        "```json",
        "3",
        "```",
        "```csv",
        "3",
        "```",
        "",
        "    total 3",
        "",
    ]);
    let problem = "typed output: output in the book is a snapshot; \
                   include the file that a test compares with a real run";
    let on_line = |line| format!("chapters/page.md:{line}: {problem}");
    assert_eq!(book.problems(), [1, 4, 7, 10, 13, 17].map(on_line));
}

#[test]
fn output_that_is_half_typed_is_reported() {
    let book = Book::with_page(&[
        "- step",
        "",
        "  ```text",
        "  {{#include ../out.txt}}",
        "  total 3",
        "  ```",
    ])
    .file("out.txt", &["total 2"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:3: typed output: output in the book is a snapshot; \
          include the file that a test compares with a real run"
        ]
    );
}

// Links

#[test]
fn broken_links_and_images_are_reported() {
    let book = Book::with_page(&[
        "A [link](none.md), an ![image](none.svg),",
        "a file [of the code](../src/none.rs),",
        "an <a href=\"none.html\">address</a>,",
        "",
        "<img alt=\"\" src=\"none.png\">",
        "",
        "a folder [that is there](../chapters), `[code](none.md)`, [the web](https://example.org/none.md#none),",
        "a [file above](../../../none), and [nothing]().",
        "",
        "```sh",
        "[code](none.md)",
        "```",
    ]);
    let places = [
        (1, "none.md"),
        (1, "none.svg"),
        (2, "../src/none.rs"),
        (3, "none.html"),
        (5, "none.png"),
        (8, "../../../none"),
        (8, ""),
    ];
    assert_eq!(
        book.problems(),
        places.map(|(line, target)| format!(
            "chapters/page.md:{line}: `{target}` leads nowhere: correct the path, which starts at the folder of this page"
        ))
    );
}

#[test]
fn a_link_to_a_missing_heading_is_reported() {
    let book = Book::with_page(&[
        "# The `Log`, in *short*!",
        "## Same",
        "## Same",
        "## Own {#own-name}",
        "<a id=\"html\"></a>",
        "",
        "Term",
        ": What it means.",
        "",
        "[a](#the-log-in-short) [b](#same) [c](#same-1) [d](#own-name) [e](#html) [f](#term) [g](other.md#other)",
        "[a](#the-log) [c](#same-2) [d](#own)",
        "[g](other.md#same)",
    ])
    .file("chapters/SUMMARY.md", &["- [Page](page.md)", "- [Other](other.md)"])
    .file("chapters/other.md", &["# Other"]);
    let places = [
        (11, "#the-log"),
        (11, "#same-2"),
        (11, "#own"),
        (12, "other.md#same"),
    ];
    assert_eq!(
        book.problems(),
        places.map(|(line, target)| format!(
            "chapters/page.md:{line}: `{target}` names no heading of that page: correct the part after the `#`"
        ))
    );
}

#[test]
fn a_reference_that_is_not_defined_is_reported() {
    let book = Book::with_page(&[
        "[defined], [a text][defined], `[code]`, \\[escaped\\],",
        "[lost], [a text][gone].",
        "",
        "[defined]: page.md",
    ]);
    assert_eq!(
        book.problems(),
        ["lost", "gone"].map(|label| format!(
            "chapters/page.md:2: `[{label}]` is not defined: add a line `[{label}]: …`, or write `\\[` if it is not a link"
        ))
    );
}

// The table of contents

#[test]
fn a_page_that_is_not_listed_is_reported_unless_a_page_includes_it() {
    let book = Book::with_page(&["{{#include generated/table.md}}"])
        .file("chapters/generated/table.md", &["| 12 ns |", "|-------|"])
        .file("chapters/lost.md", &["# Lost"]);
    assert_eq!(
        book.problems(),
        [
            "chapters/lost.md:1: this page is not in SUMMARY.md: list it there, include it in a page, or delete it"
        ]
    );
}

#[test]
fn a_listed_page_that_is_missing_is_reported() {
    let book = Book::with_page(&["# Page"]).file(
        "chapters/SUMMARY.md",
        &["- [Page](page.md)", "- [Later]()", "- [None](none.md)"],
    );
    assert_eq!(
        book.problems(),
        ["chapters/SUMMARY.md:3: `none.md` is listed but is not a file: write the page, or delete the entry"]
    );
}

#[test]
fn a_page_that_is_listed_twice_is_reported() {
    let book = Book::with_page(&["# Page"]).file(
        "chapters/SUMMARY.md",
        &["- [Page](page.md)", "- [Again](./page.md)"],
    );
    assert_eq!(
        book.problems(),
        ["chapters/SUMMARY.md:2: `./page.md` is listed twice: delete one of the entries"]
    );
}

// Questions and predictions

#[test]
fn a_folded_answer_without_a_question_is_reported() {
    let book = Book::with_page(&[
        "<details>",
        "",
        "An answer.",
        "",
        "</details>",
        "",
        "<details><summary> </summary>",
        "",
        "An answer.",
        "",
        "</details>",
    ]);
    let problem = "this `<details>` asks nothing: write the question into a `<summary>`";
    let on_line = |line| format!("chapters/page.md:{line}: {problem}");
    assert_eq!(book.problems(), [1, 7].map(on_line));
}

#[test]
fn a_question_without_an_answer_is_reported() {
    let book = Book::with_page(&[
        "# Page",
        "<details><summary>Why?</summary>",
        "",
        "<!-- to be written -->",
        "",
        "</details>",
    ]);
    assert_eq!(
        book.problems(),
        ["chapters/page.md:2: this question has no answer: write it between `</summary>` and `</details>`"]
    );
}

#[test]
fn a_question_that_is_never_closed_is_reported() {
    let book = Book::with_page(&[
        "<details><summary>Why?</summary>",
        "",
        "An answer.",
        "",
        "<details><summary>How?</summary>",
        "",
        "An answer.",
        "",
        "</details>",
    ]);
    assert_eq!(
        book.problems(),
        ["chapters/page.md:1: this `<details>` is never closed: write `</details>` after the answer"]
    );
}

#[test]
fn a_prediction_without_an_outcome_is_reported() {
    let book = Book::with_page(&["# Page", "**Predict 1.** How many?", "**Predict 2.** How few?"])
        .file(
            "chapters/SUMMARY.md",
            &["[a](page.md) [b](other.md) [c](day/page.md)"],
        )
        .file("chapters/other.md", &["> **Answer 1.** Two."])
        .file(
            "chapters/day/page.md",
            &["**Predict 2.** And here?", "", "**Answer 2.** One."],
        );
    assert_eq!(
        book.problems(),
        ["chapters/page.md:3: prediction 2 has no outcome: start a line of this folder with `**Answer 2.**`"]
    );
}

#[test]
fn an_outcome_without_a_prediction_is_reported() {
    let book = Book::with_page(&["**Answer 1.** Two, as **Predict 1.** in this line is no prediction."]);
    assert_eq!(
        book.problems(),
        [
            "chapters/page.md:1: answer 1 answers no prediction: start a line of this folder with `**Predict 1.**`"
        ]
    );
}

#[test]
fn a_number_that_is_predicted_or_answered_twice_is_reported() {
    let book = Book::with_page(&[
        "**Predict 1.** How many?",
        "**Predict 1.** How few?",
        "**Answer 1.** Two.",
        "**Answer 1.** Three.",
    ]);
    let places = [(2, "**Predict 1.**"), (4, "**Answer 1.**")];
    assert_eq!(
        book.problems(),
        places.map(|(line, text)| format!(
            "chapters/page.md:{line}: `{text}` stands twice in this folder: give one of the two another number"
        ))
    );
}

// Measurements

#[test]
fn a_typed_measurement_is_reported() {
    let typed = [
        ("It takes 12 ns.", "12 ns"),
        ("It takes 1.5µs a time,", "1.5 µs"),
        ("## About ≈ 3 us", "3 us"),
        ("- some **10–20** ns/record", "10–20 ns/record"),
        ("> (512 MB/s)", "512 MB/s"),
        ("| x | 3 GiB/s |", "3 GiB/s"),
        ("or 1,000&nbsp;records/s", "1,000 records/s"),
        ("with 5 million rows/s", "5 million rows/s"),
        ("with 5M events/s", "5 M events/s"),
        ("with 70 orders per second", "70 orders per second"),
        ("for 3.2 CPU seconds", "3.2 CPU seconds"),
        ("A number 12\nns on the next line", "12 ns"),
    ];
    for (page, measurement) in typed {
        let book = Book::with_page(&["# Page", "", page]);
        let report = book.report();
        let found: Vec<_> = report
            .problems
            .iter()
            .map(|problem| (problem.line, &problem.kind))
            .collect();
        let expected = Kind::MeasurementTyped(measurement.to_string());
        assert_eq!(found, [(3, &expected)], "{page}");
    }
}

#[test]
fn what_only_looks_like_a_measurement_is_passed_over() {
    let book = Book::with_page(&[
        "A window of 10 seconds, 200 ms, 3 records, `12 ns`, {{#include ../price.txt}} ns, p99 ns, and 7 `ns`.",
        "",
        "| day 1 | ns/record |",
        "|-------|-----------|",
        "",
        "It is day 3",
        "",
        "us humans never see it.",
        "",
        "```sh",
        "echo 12 ns",
        "```",
        "",
        "<p title=\"12 ns\"></p>",
    ])
    .file("price.txt", &["12"]);
    assert_eq!(book.problems(), [""; 0]);
}

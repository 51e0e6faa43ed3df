//! The book as it stands: `cargo test` fails when it lies.

use book::costs::Results;
use book::{book_root, figures, stale_files};

#[test]
fn every_listing_output_link_and_question_is_what_it_claims_to_be() {
    let book = book_root();
    let project = book.parent().expect("the book lies in the project");
    let report = book::check::check(&book, project).expect("the pages can be read");
    assert!(report.problems.is_empty(), "\n{report}");
    assert!(report.checked.pages > 3, "{report}");
}

#[test]
fn every_figure_is_what_a_new_run_draws() {
    let drawn = figures::figures(&book_root()).expect("the scenarios run");
    assert!(drawn.len() >= 3);
    let stale = stale_files(&book_root(), &drawn);
    assert!(stale.is_empty(), "{stale:?}: run `cargo run -p book -- figures`");
}

#[test]
fn every_day_makes_of_every_scenario_what_is_expected_and_no_more() {
    let matrix = book::ladder::matrix(&book_root()).expect("the scenarios run");
    assert!(matrix.0.len() >= 13, "{matrix}");
    assert_eq!(matrix.surprises(), Vec::<String>::new(), "\n{matrix}");
}

#[test]
fn every_table_and_chart_is_what_the_results_file_says() {
    let results = Results::read(&book_root()).expect("a results file");
    let rendered = results.rendered().expect("all benchmarks have results");
    let stale = stale_files(&book_root(), &rendered);
    assert!(
        stale.is_empty(),
        "{stale:?}: run `cargo run -p book -- bench --render`"
    );
}

#[test]
fn a_number_that_was_not_measured_is_asked_for() {
    let mut results = Results::read(&book_root()).expect("a results file");
    results.nanoseconds.remove("ladder-cpu/totals/day06");
    let said = results.rendered().expect_err("the ladder needs it").to_string();
    assert_eq!(
        said,
        "results: no benchmark ladder-cpu/totals/day06; run `cargo run -p book -- bench`"
    );
}

//! A few orders, chunk by chunk, through a query: the changes that come out, and the view that they add up to.
//!
//! Everything is the engine's: the query is SQL, and is parsed, bound, planned and cut into groupings; chunks, groups and
//! view are those of a job. Only the tasks and the channels between them are missing.
//!
//! [`Between::NewRowsOnly`] is a design that this day rejects: from one grouping to the next goes what is new, and not what
//! is no longer true.

use day02_state::operator::Failure;

use crate::aggregate::{Calls, GroupBy};
use crate::bind::{Catalog, read};
use crate::chunk::{Change, Chunk, chosen};
use crate::exec::lower::lower;
use crate::format::print::Printer;
use crate::keyed::KeyedChunk;
use crate::plan::{Query, Statement};
use crate::value::{DataType, Scalar};
use crate::view::View;

/// Who has sold, order by order.
pub const ORDERS: [&str; 8] = ["m-7", "m-9", "m-7", "m-7", "m-2", "m-9", "m-7", "m-2"];

/// How many orders each merchant has.
pub const COUNTS: &str = "SELECT merchant_id, COUNT(*) AS order_count FROM orders GROUP BY merchant_id";

/// Of the merchants with more than one order.
pub const MORE_THAN_ONE: &str =
    "SELECT merchant_id, COUNT(*) AS order_count FROM orders GROUP BY merchant_id HAVING COUNT(*) > 1";

/// How many merchants have how many orders.
pub const HISTOGRAM: &str = "SELECT order_count, COUNT(*) AS merchants FROM (
    SELECT merchant_id, COUNT(*) AS order_count FROM orders GROUP BY merchant_id
) GROUP BY order_count";

const TABLE: &str = "CREATE TABLE orders (merchant_id STRING) WITH ('connector' = 'datagen');\n";

/// What goes from one grouping to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// All changes.
    Changes,
    /// Rows that are new, or new after an update.
    NewRowsOnly,
}

/// A chunk, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The orders in it.
    pub orders: Vec<&'static str>,
    /// What came out.
    pub changes: Vec<(Change, String)>,
    /// The rows of the view behind it.
    pub view: Vec<String>,
}

/// The query in this text.
pub fn query(text: &str) -> Result<Query, Failure> {
    let statements = read(text, "lab.sql", &mut Catalog::new())?;
    let query = statements.into_iter().find_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        Statement::Created(_) | Statement::Named(_) | Statement::Explain(_) => None,
    });
    query.ok_or_else(|| "there is no query".into())
}

/// Runs a query over [`ORDERS`], in chunks of so many.
pub fn run(text: &str, chunk_rows: usize, between: Between) -> Result<Vec<Step>, Failure> {
    let query = query(&format!("{TABLE}{text};"))?;
    let line = lower(&query.plan)?;
    let view = View::new(query.plan.fields());
    let groups = line.groupings.iter();
    let groups = groups.map(|of| GroupBy::new(of.keys.clone(), Calls::new(of.calls.clone()), true));
    let mut groups: Vec<GroupBy> = groups.collect();
    let mut steps = Vec::new();
    for orders in ORDERS.chunks(chunk_rows.max(1)) {
        let mut chunk = Chunk::of([DataType::Varchar]);
        for order in orders {
            chunk.push(Change::Insert, &[Scalar::Varchar((*order).into())])?;
        }
        chunk = line.steps.apply(chunk)?;
        for (nth, (groups, grouping)) in groups.iter_mut().zip(&line.groupings).enumerate() {
            if nth > 0 && between == Between::NewRowsOnly {
                chunk = only_new(chunk);
            }
            let keys: Vec<usize> = (0..grouping.keys.len()).collect();
            let mut result = Chunk::of(groups.types());
            groups.on_chunk(&KeyedChunk::by(chunk, &keys), &mut result)?;
            chunk = grouping.then.apply(result)?;
        }
        view.apply(&chunk)?;
        steps.push(Step {
            orders: orders.to_vec(),
            changes: (0..chunk.rows)
                .map(|row| (chunk.change(row), printed(&chunk, row)))
                .collect(),
            view: view.rows().iter().map(|row| words(row)).collect(),
        });
    }
    Ok(steps)
}

/// The rows that are there afterwards, as if they had not been there before.
fn only_new(chunk: Chunk) -> Chunk {
    let adds: Vec<bool> = (0..chunk.rows).map(|row| chunk.change(row).adds()).collect();
    let mut chunk = chunk.gather(&chosen(&adds));
    chunk.changes = None;
    chunk
}

fn printed(chunk: &Chunk, row: usize) -> String {
    let mut line = Vec::new();
    Printer::new(None).write(chunk, row, &mut line);
    String::from_utf8_lossy(&line).into_owned()
}

fn words(row: &[Scalar]) -> String {
    let values: Vec<String> = row.iter().map(Scalar::to_string).collect();
    values.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(text: &str, chunk_rows: usize, between: Between) -> Vec<String> {
        let steps = run(text, chunk_rows, between).expect("it runs");
        steps.last().expect("a step").view.clone()
    }

    #[test]
    fn the_view_does_not_depend_on_how_orders_come_in_chunks() {
        for text in [COUNTS, MORE_THAN_ONE, HISTOGRAM] {
            let one = at_end(text, 1, Between::Changes);
            for rows in [2, 3, 4, 8] {
                assert_eq!(at_end(text, rows, Between::Changes), one, "{text} {rows}");
            }
        }
        assert_eq!(at_end(COUNTS, 4, Between::Changes), ["m-2 2", "m-7 4", "m-9 2"]);
        assert_eq!(at_end(HISTOGRAM, 4, Between::Changes), ["2 2", "4 1"]);
    }

    #[test]
    fn without_what_is_no_longer_true_merchants_are_counted_once_for_every_number_they_ever_had() {
        let all = at_end(HISTOGRAM, 1, Between::NewRowsOnly);
        assert_eq!(all, ["1 3", "2 3", "3 1", "4 1"]);
    }

    #[test]
    fn larger_chunks_have_fewer_changes_to_tell() {
        let changes = |rows| {
            let steps = run(COUNTS, rows, Between::Changes).expect("it runs");
            steps.iter().map(|step| step.changes.len()).sum::<usize>()
        };
        assert_eq!([1, 4, 8].map(changes), [13, 7, 3]);
    }
}

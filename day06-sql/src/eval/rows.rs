//! Expressions over rows of which some have no value: those rows are found, and the others go on.
//!
//! A row whose text is no date is a bad record, and should cost that record and not the run. So a chunk is evaluated as a whole,
//! which is fast, and only where that fails row by row, which finds out which rows it was:
//!
//! ```text
//! CAST(d AS TIMESTAMP)      2026-01-01   01/01/2026   2026-01-02
//! the whole chunk           fails
//! each row                  ok           fails: row 1 ok
//! the whole without row 1   ok                        ok
//! ```

use super::{EvalError, On, eval};
use crate::chunk::{Chunk, Column};
use crate::expr::Expr;

/// A row for which an expression has no value.
#[derive(Debug, Clone, PartialEq)]
pub struct RowError {
    /// The row in the chunk.
    pub row: usize,
    /// Which of the expressions it is, the first one that fails for this row.
    pub expression: usize,
    /// Why it has no value.
    pub error: EvalError,
}

/// What expressions come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The values of each expression. In rows that failed there may be anything.
    pub columns: Vec<Column>,
    /// The rows that failed, in their order, each once.
    pub failed: Vec<RowError>,
}

/// Evaluates expressions for the rows of a chunk.
///
/// # Errors
/// An expression that is wrong, whatever the row.
pub fn evaluate_rows(expressions: &[Expr], chunk: &Chunk) -> Result<Evaluated, EvalError> {
    let mut failed: Vec<RowError> = Vec::new();
    let mut active: Option<Vec<bool>> = None;
    let mut columns = Vec::with_capacity(expressions.len());
    for (expression, expr) in expressions.iter().enumerate() {
        let on = On {
            chunk,
            active: active.as_deref(),
        };
        let column = match eval(expr, on) {
            Err(error) if error.is_of_a_row() => {
                let active = active.get_or_insert_with(|| vec![true; chunk.rows]);
                for (row, active) in active.iter_mut().enumerate() {
                    if *active && let Err(error) = value_of(expr, chunk, row)? {
                        *active = false;
                        failed.push(RowError {
                            row,
                            expression,
                            error,
                        });
                    }
                }
                let active = Some(active.as_slice());
                eval(expr, On { chunk, active })
            }
            column => column,
        };
        columns.push(column?.into_owned());
    }
    failed.sort_by_key(|failed| failed.row);
    Ok(Evaluated { columns, failed })
}

/// Whether an expression has a value for a row.
fn value_of(expr: &Expr, chunk: &Chunk, row: usize) -> Result<Result<(), EvalError>, EvalError> {
    let row = chunk.gather(&[row as u32]);
    let on = On {
        chunk: &row,
        active: None,
    };
    match eval(expr, on) {
        Ok(_) => Ok(Ok(())),
        Err(error) if error.is_of_a_row() => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Function;
    use crate::value::{DataType, Scalar};

    fn chunk(texts: &[&str]) -> Chunk {
        let mut column = Column::new(DataType::Varchar, texts.len());
        for text in texts {
            column
                .push(Scalar::Varchar(text.to_string().into()))
                .expect("a text");
        }
        Chunk::from_columns(vec![column])
    }

    fn cast(to: DataType) -> Expr {
        Expr::Cast(Box::new(Expr::Column(0, DataType::Varchar)), to)
    }

    /// One divided by the number of the row.
    fn divided() -> Expr {
        let one = Expr::Literal(Scalar::Int(1), DataType::Int);
        Expr::Call(Function::Divide, vec![one, cast(DataType::Int)], DataType::Int)
    }

    #[test]
    fn rows_that_fail_are_named_once_and_the_others_have_all_values() {
        let chunk = chunk(&["1", "x", "0", "2", "1e99"]);
        let both = [cast(DataType::Double), divided()];
        let Evaluated { columns, failed } = evaluate_rows(&both, &chunk).expect("right for some rows");
        let failed: Vec<_> = failed
            .iter()
            .map(|failed| (failed.row, failed.expression, failed.error.to_string()))
            .collect();
        let cast = |text: &str, to: &str| format!("the VARCHAR {text:?} cannot be cast to {to}");
        assert_eq!(failed[0], (1, 0, cast("x", "DOUBLE PRECISION")));
        assert_eq!((failed[1].0, failed[1].1), (2, 1));
        assert!(failed[1].2.contains("division by zero"), "{failed:?}");
        assert_eq!(failed[2], (4, 1, cast("1e99", "INT")));
        assert_eq!(failed.len(), 3);
        for (row, double, whole) in [(0, 1.0, 1), (3, 2.0, 0)] {
            let values = [Scalar::Double(double), Scalar::Int(whole)];
            assert_eq!([columns[0].get(row), columns[1].get(row)], values);
        }
    }

    #[test]
    fn without_a_failure_there_is_none() {
        let chunk = chunk(&["1", "2"]);
        let Evaluated { columns, failed } = evaluate_rows(&[divided()], &chunk).expect("values");
        assert_eq!(failed, []);
        assert_eq!(
            columns,
            [super::super::evaluate(&divided(), &chunk).expect("values")]
        );
    }

    #[test]
    fn an_expression_that_is_wrong_is_no_row_of_it() {
        let wrong = Expr::Column(7, DataType::Int);
        assert!(matches!(
            evaluate_rows(&[wrong], &chunk(&["1"])),
            Err(EvalError::NoColumn { .. })
        ));
    }
}

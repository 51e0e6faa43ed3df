//! Why an expression has no value. Most of it is a row's fault: then the message has the value.

use day03_windows::spec::BadSpec;

use crate::chunk::WrongType;
use crate::expr::Function;
use crate::value::{DataType, Scalar};

/// Why an expression cannot be evaluated. It ends the job.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// A result is too large for its type.
    #[error("{computation} does not fit into {data_type}")]
    Overflow {
        /// What was to be computed, with its values.
        computation: String,
        /// The type that is too small.
        data_type: DataType,
    },
    /// Somebody divided by zero.
    #[error(
        "{computation} of {data_type} is a division by zero; a CASE or a WHERE could keep the zeros away"
    )]
    DivisionByZero {
        /// What was to be computed, with its values.
        computation: String,
        /// The type of both sides.
        data_type: DataType,
    },
    /// A value has no counterpart in another type.
    #[error("the {from} {value} cannot be cast to {to}")]
    Cast {
        /// The value; a text in quotes.
        value: String,
        /// Its type.
        from: DataType,
        /// The type that it should have had.
        to: DataType,
    },
    /// No value of a type has a counterpart in the other.
    #[error("there is no cast from {from} to {to}")]
    NoCast {
        /// From this type.
        from: DataType,
        /// To that type.
        to: DataType,
    },
    /// A function of arguments that it does not take.
    #[error("there is no {function} of ({})", names(types))]
    NoFunction {
        /// The function.
        function: Function,
        /// The types of the arguments.
        types: Vec<DataType>,
    },
    /// A condition that is neither true nor false.
    #[error("a condition has to be BOOLEAN, and this one is {0}")]
    NoCondition(DataType),
    /// The arms of a CASE or COALESCE differ.
    #[error("the results of a CASE or COALESCE have to be of one type, not {0} and {1}")]
    Branches(DataType, DataType),
    /// A column that the input does not have.
    #[error("there is no column {place} among {columns}")]
    NoColumn {
        /// Its place, from 0.
        place: usize,
        /// How many there are.
        columns: usize,
    },
    /// A literal that is not of its type.
    #[error(transparent)]
    Literal(#[from] WrongType),
    /// A tumbling window that cannot be.
    #[error(transparent)]
    Window(#[from] BadSpec),
}

impl EvalError {
    /// Whether a value of the row is the reason, so that other rows may have a result. Otherwise the expression is wrong, and
    /// no row has one.
    pub fn is_of_a_row(&self) -> bool {
        use EvalError::{Cast, DivisionByZero, Overflow};
        matches!(self, Overflow { .. } | DivisionByZero { .. } | Cast { .. })
    }

    /// A value that cannot be cast.
    pub(super) fn cast(value: &Scalar, from: DataType, to: DataType) -> Self {
        let value = match value {
            Scalar::Varchar(text) => format!("{text:?}"),
            value => value.to_string(),
        };
        EvalError::Cast { value, from, to }
    }
}

fn names(types: &[DataType]) -> String {
    let names: Vec<String> = types.iter().map(DataType::to_string).collect();
    names.join(", ")
}

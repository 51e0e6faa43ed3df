//! The types of SQL that columns have.
//!
//! Left out: types that no dialect of this day needs to be told apart (a TINYINT is an INT), DATE, arrays and rows.

use std::fmt;

/// The type of a column or of an expression. Every type has NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// BOOLEAN.
    Boolean,
    /// INT, 32 bits.
    Int,
    /// BIGINT, 64 bits.
    BigInt,
    /// DOUBLE PRECISION, 64 bits.
    Double,
    /// DECIMAL or NUMERIC: exact, with precision and scale if they were declared.
    Numeric(Option<(u8, u8)>),
    /// VARCHAR or STRING.
    Varchar,
    /// TIMESTAMP: a date and a time without a zone, in milliseconds since 1970-01-01T00:00:00.
    Timestamp,
    /// TIMESTAMP_LTZ or TIMESTAMPTZ: a point in time, in milliseconds since 1970-01-01T00:00:00Z.
    TimestampTz,
    /// INTERVAL of fixed length. Only in expressions, never in a column of a table.
    Interval,
}

/// As RisingWave writes it.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataType::Boolean => f.write_str("BOOLEAN"),
            DataType::Int => f.write_str("INT"),
            DataType::BigInt => f.write_str("BIGINT"),
            DataType::Double => f.write_str("DOUBLE PRECISION"),
            DataType::Numeric(None) => f.write_str("NUMERIC"),
            DataType::Numeric(Some((precision, scale))) => write!(f, "NUMERIC({precision}, {scale})"),
            DataType::Varchar => f.write_str("VARCHAR"),
            DataType::Timestamp => f.write_str("TIMESTAMP"),
            DataType::TimestampTz => f.write_str("TIMESTAMPTZ"),
            DataType::Interval => f.write_str("INTERVAL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_printed_as_they_are_declared() {
        assert_eq!(DataType::Numeric(Some((10, 2))).to_string(), "NUMERIC(10, 2)");
        assert_eq!(DataType::Double.to_string(), "DOUBLE PRECISION");
    }
}

mod casts;
mod functions;
mod random;
mod rows;

use day03_windows::time::{EventTime, Span};

use super::*;
use crate::arbitrary;

fn int(value: i32) -> Scalar {
    Scalar::Int(value)
}

fn big(value: i64) -> Scalar {
    Scalar::BigInt(value)
}

fn double(value: f64) -> Scalar {
    Scalar::Double(value)
}

fn num(text: &str) -> Scalar {
    Scalar::Numeric(text.parse().unwrap())
}

fn text(text: &str) -> Scalar {
    Scalar::Varchar(text.to_string().into())
}

fn bool(value: bool) -> Scalar {
    Scalar::Boolean(value)
}

fn ts(millis: i64) -> Scalar {
    Scalar::Timestamp(EventTime(millis))
}

fn tz(millis: i64) -> Scalar {
    Scalar::TimestampTz(EventTime(millis))
}

fn span(millis: i64) -> Scalar {
    Scalar::Interval(Span(millis))
}

/// A literal of the value's own type.
fn literal(value: Scalar) -> Expr {
    let data_type = value.data_type().unwrap();
    Expr::Literal(value, data_type)
}

fn null(data_type: DataType) -> Expr {
    Expr::Literal(Scalar::Null, data_type)
}

fn call(function: Function, args: impl Into<Vec<Expr>>, data_type: DataType) -> Expr {
    Expr::Call(function, args.into(), data_type)
}

/// The function of these values, which are none of them NULL, as it is printed, or its error.
///
/// They stand in the middle of columns whose other rows are NULL, and once more alone: a mask must
/// change nothing, and must keep what stands where NULL is from being computed.
fn apply(function: Function, args: &[Scalar], to: DataType) -> Result<String, String> {
    let column = |values: &[Scalar], arg: &Scalar| arbitrary::column(arg.data_type().unwrap(), values);
    let places = args.iter().enumerate();
    let places = places.map(|(place, arg)| Expr::Column(place, arg.data_type().unwrap()));
    let expr = call(function, places.collect::<Vec<_>>(), to);
    let alone = args
        .iter()
        .map(|arg| column(std::slice::from_ref(arg), arg))
        .collect();
    let among = args
        .iter()
        .map(|arg| column(&[Scalar::Null, arg.clone(), Scalar::Null], arg))
        .collect();
    let run = |columns| evaluate(&expr, &Chunk::from_columns(columns)).map_err(|error| error.to_string());
    let (alone, among) = (run(alone), run(among));
    if let (Ok(alone), Ok(among)) = (&alone, &among) {
        assert!(among.is_null(0) && among.is_null(2), "{function} of NULL");
        assert_eq!(alone.get(0).to_string(), among.get(1).to_string());
        assert_eq!(alone.data_type(), to);
    } else {
        assert_eq!(alone.as_ref().err(), among.as_ref().err());
    }
    alone.map(|column| column.get(0).to_string())
}

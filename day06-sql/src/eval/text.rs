//! Functions of texts. Upper and lower case are those of Unicode, without the rules of any one
//! language.

use super::there;
use crate::chunk::{Column, Texts, Values};
use crate::expr::Function;

/// `a || b`; none if one is no text.
pub(super) fn concat(a: &Column, b: &Column) -> Option<Column> {
    let (Values::Varchar(left), Values::Varchar(right)) = (&a.values, &b.values) else {
        return None;
    };
    let mut results = Texts::with_capacity(left.len(), left.byte_len() + right.byte_len());
    let mut joined = String::new();
    for (left, right) in left.iter().zip(right.iter()) {
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        results.push(&joined);
    }
    Some(Column {
        values: Values::Varchar(results),
        valid: there(&[a, b], None),
    })
}

/// `UPPER(a)` or `LOWER(a)`; none if `a` is no text.
pub(super) fn change_case(function: Function, a: &Column) -> Option<Column> {
    let Values::Varchar(list) = &a.values else {
        return None;
    };
    let mut results = Texts::with_capacity(list.len(), list.byte_len());
    for text in list.iter() {
        results.push(&match function {
            Function::Upper => text.to_uppercase(),
            _ => text.to_lowercase(),
        });
    }
    Some(Column {
        values: Values::Varchar(results),
        valid: a.valid.clone(),
    })
}

/// `LEFT(a, length)`; none if `a` is no text. A negative length leaves nothing, as in Flink.
pub(super) fn left(a: &Column, length: &Column) -> Option<Column> {
    let (Values::Varchar(list), Values::Int(lengths)) = (&a.values, &length.values) else {
        return None;
    };
    let mut results = Texts::with_capacity(list.len(), list.byte_len());
    for (text, length) in list.iter().zip(lengths) {
        let length = usize::try_from(*length).unwrap_or(0);
        let end = text.char_indices().nth(length).map_or(text.len(), |(end, _)| end);
        results.push(&text[..end]);
    }
    Some(Column {
        values: Values::Varchar(results),
        valid: there(&[a, length], None),
    })
}

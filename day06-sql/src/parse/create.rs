//! CREATE: tables and sources, views, sinks.
//!
//! ```text
//! CREATE TABLE | SOURCE [IF NOT EXISTS] name (columns, WATERMARK FOR c AS expr, PRIMARY KEY (c) NOT ENFORCED)
//!        INCLUDE metadata AS column
//!        WITH ('key' = 'value', dotted.key = 'value') FORMAT PLAIN ENCODE JSON
//! CREATE TABLE name WITH (…) AS query
//! CREATE MATERIALIZED VIEW | [TEMPORARY] VIEW [IF NOT EXISTS] name AS query
//! CREATE SINK name FROM view | AS query WITH (…) FORMAT PLAIN ENCODE JSON (force_append_only = 'true')
//! ```
//!
//! `FORMAT PLAIN ENCODE JSON` becomes the option `format` that it means. NOT NULL is read and not enforced, as Flink reads its
//! sources too: every type has NULL.

use sqlparser::tokenizer::{Span, Token};

use super::ast::{
    ColumnDef, ColumnKind, CreateSink, CreateTable, CreateView, Expr, From, Input, Item, Name, Node,
    OptionDef, Options, Part, PrimaryKey, Query, Select, Source, Statement, WatermarkDef,
};
use super::cursor::Cursor;
use super::query::query;
use crate::error::{Outcome, SqlError, unsupported};

/// What is created, behind CREATE.
pub(crate) fn create(cursor: &mut Cursor<'_>) -> Outcome<Statement> {
    if cursor.takes(&["MATERIALIZED", "VIEW"]) {
        return view(cursor, true).map(Statement::View);
    }
    // A program's tables are gone when it ends anyway, so every view is temporary.
    if cursor.takes(&["VIEW"]) || cursor.takes(&["TEMPORARY", "VIEW"]) {
        return view(cursor, false).map(Statement::View);
    }
    if cursor.takes(&["SINK"]) {
        return sink(cursor).map(Statement::Sink);
    }
    if cursor.takes(&["SOURCE"]) || cursor.takes(&["TABLE"]) {
        return table(cursor).map(|table| Statement::Create(Box::new(table)));
    }
    let others: [&[&str]; 9] = [
        &["OR", "REPLACE"],
        &["TEMPORARY"],
        &["TEMP"],
        &["FUNCTION"],
        &["DATABASE"],
        &["SCHEMA"],
        &["INDEX"],
        &["CATALOG"],
        &["CONNECTION"],
    ];
    match others.into_iter().find(|other| cursor.sees(other)) {
        Some(other) => Err(unsupported(cursor.span(), &format!("CREATE {}", other.join(" ")))),
        None => Err(cursor.expected("TABLE, SOURCE, VIEW, MATERIALIZED VIEW or SINK")),
    }
}

fn view(cursor: &mut Cursor<'_>, materialized: bool) -> Outcome<CreateView> {
    let (name, if_not_exists) = created(cursor, "the name of the view")?;
    if cursor.sees_token(&Token::LParen) {
        return Err(unsupported(cursor.span(), "a view with names for columns").hint("name columns with AS"));
    }
    cursor.word("AS")?;
    Ok(CreateView {
        name,
        if_not_exists,
        materialized,
        query: query(cursor)?,
    })
}

/// The name of what is created, and whether that is only if there is nothing of that name.
fn created(cursor: &mut Cursor<'_>, what: &str) -> Outcome<(Name, bool)> {
    let if_not_exists = cursor.takes(&["IF", "NOT", "EXISTS"]);
    Ok((cursor.object(what)?, if_not_exists))
}

fn table(cursor: &mut Cursor<'_>) -> Outcome<CreateTable> {
    let (name, if_not_exists) = created(cursor, "the name of the table")?;
    let mut table = CreateTable {
        name: name.clone(),
        if_not_exists,
        columns: Vec::new(),
        watermark: None,
        primary_key: None,
        options: Options {
            list: Vec::new(),
            span: name.span,
        },
        query: None,
    };
    if cursor.takes_token(&Token::LParen) {
        cursor.list(|cursor| element(cursor, &mut table))?;
        cursor.token(&Token::RParen)?;
    }
    for words in [
        &["APPEND", "ONLY"][..],
        &["PARTITIONED"],
        &["DISTRIBUTED"],
        &["LIKE"],
        &["COMMENT"],
    ] {
        if cursor.sees(words) {
            return Err(unsupported(cursor.span(), &words.join(" ")));
        }
    }
    while cursor.takes(&["INCLUDE"]) {
        let key = cursor.name("partition, offset or timestamp")?;
        let name = match cursor.takes(&["AS"]) {
            true => cursor.name("the name of a column")?,
            false => key.clone(),
        };
        table.columns.push(ColumnDef {
            name,
            kind: ColumnKind::Metadata {
                data_type: None,
                key,
                is_virtual: true,
            },
        });
    }
    table.options = options(cursor, table.name.span)?;
    if cursor.takes(&["AS"]) {
        table.query = Some(query(cursor)?);
    }
    Ok(table)
}

/// A column, or a clause about columns.
fn element(cursor: &mut Cursor<'_>, table: &mut CreateTable) -> Outcome<()> {
    let span = cursor.span();
    if cursor.takes(&["WATERMARK", "FOR"]) {
        let column = cursor.name("the name of a column")?;
        cursor.word("AS")?;
        let watermark = WatermarkDef {
            column,
            expr: cursor.expr()?,
        };
        return match table.watermark.replace(watermark) {
            None => Ok(()),
            Some(_) => {
                Err(SqlError::new(span, "a second watermark").hint("a table has one column that is its time"))
            }
        };
    }
    cursor
        .takes(&["CONSTRAINT"])
        .then(|| cursor.name("the name of the constraint"))
        .transpose()?;
    if cursor.takes(&["PRIMARY", "KEY"]) {
        cursor.token(&Token::LParen)?;
        let columns = cursor.list(|cursor| cursor.name("the name of a column"))?;
        cursor.token(&Token::RParen)?;
        return primary_key(cursor, table, columns, span);
    }
    let name = cursor.name("the name of a column")?;
    if cursor.takes(&["AS"]) {
        let kind = ColumnKind::Computed(cursor.expr()?);
        table.columns.push(ColumnDef { name, kind });
        return Ok(());
    }
    let data_type = cursor.data_type()?;
    if cursor.takes(&["AS"]) {
        let expr = cursor.expr()?;
        let span = expr.span;
        let node = Node::Cast(Box::new(expr), data_type);
        let kind = ColumnKind::Computed(Expr { node, span });
        table.columns.push(ColumnDef { name, kind });
        return Ok(());
    }
    let kind = match cursor.takes(&["METADATA"]) {
        true => metadata(cursor, &name, data_type)?,
        false => ColumnKind::Plain(data_type),
    };
    let column = name.clone();
    table.columns.push(ColumnDef { name, kind });
    loop {
        let span = cursor.span();
        if cursor.takes(&["PRIMARY", "KEY"]) {
            primary_key(cursor, table, vec![column.clone()], span)?;
        } else if !cursor.takes(&["NOT", "NULL"]) && !cursor.takes(&["NULL"]) {
            break;
        }
    }
    for word in ["DEFAULT", "UNIQUE", "CHECK", "REFERENCES", "GENERATED", "COMMENT"] {
        if cursor.sees(&[word]) {
            return Err(unsupported(cursor.span(), &format!("{word} at a column")));
        }
    }
    Ok(())
}

/// `METADATA [FROM 'key'] [VIRTUAL]`, behind METADATA.
fn metadata(cursor: &mut Cursor<'_>, name: &Name, data_type: crate::value::DataType) -> Outcome<ColumnKind> {
    let key = match cursor.takes(&["FROM"]) {
        true => {
            let (value, span) = cursor.text("the name of the metadata in quotes")?;
            Name {
                value,
                quoted: true,
                span,
            }
        }
        false => name.clone(),
    };
    let is_virtual = cursor.takes(&["VIRTUAL"]);
    Ok(ColumnKind::Metadata {
        data_type: Some(data_type),
        key,
        is_virtual,
    })
}

fn primary_key(
    cursor: &mut Cursor<'_>,
    table: &mut CreateTable,
    columns: Vec<Name>,
    span: Span,
) -> Outcome<()> {
    let span = span.union(&cursor.last());
    let enforced = !cursor.takes(&["NOT", "ENFORCED"]);
    match table.primary_key.replace(PrimaryKey {
        columns,
        enforced,
        span,
    }) {
        None => Ok(()),
        Some(_) => Err(SqlError::new(span, "a second primary key")),
    }
}

fn sink(cursor: &mut Cursor<'_>) -> Outcome<CreateSink> {
    let (name, if_not_exists) = created(cursor, "the name of the sink")?;
    let span = cursor.span();
    let query = match cursor.takes(&["FROM"]) {
        true => {
            let name = cursor.object("the name of a view or a table")?;
            all_of(name, span)
        }
        false if cursor.takes(&["AS"]) => query(cursor)?,
        false => return Err(cursor.expected("FROM or AS")),
    };
    let options = options(cursor, name.span)?;
    Ok(CreateSink {
        name,
        if_not_exists,
        query,
        options,
    })
}

/// `SELECT * FROM name`.
fn all_of(name: Name, span: Span) -> Query {
    let first = Input {
        source: Source::Named(name),
        alias: None,
    };
    let select = Select {
        items: vec![Item::All(None, span)],
        from: Some(From {
            first,
            joins: Vec::new(),
        }),
        filter: None,
        group_by: Vec::new(),
        having: None,
        span,
    };
    Query {
        with: Vec::new(),
        parts: vec![Part::Select(Box::new(select))],
        emit_on_close: None,
        span,
    }
}

/// `WITH (…)` and `FORMAT … ENCODE …`; what is missing is missed at `owner` if there is no WITH.
fn options(cursor: &mut Cursor<'_>, owner: Span) -> Outcome<Options> {
    let mut options = Options {
        list: Vec::new(),
        span: owner,
    };
    let start = cursor.span();
    if cursor.takes(&["WITH"]) {
        options.span = start;
        cursor.token(&Token::LParen)?;
        options.list = cursor.list(option)?;
        cursor.token(&Token::RParen)?;
    }
    if cursor.takes(&["FORMAT"]) {
        options.list.extend(format_clause(cursor)?);
    }
    Ok(options)
}

fn option(cursor: &mut Cursor<'_>) -> Outcome<OptionDef> {
    let (key, key_span) = match cursor.span() {
        _ if cursor.sees_text() => cursor.text("the name of an option")?,
        start => {
            let mut key = cursor.name("the name of an option")?.value;
            loop {
                match cursor.any_of(&[Token::Period, Token::Minus]) {
                    Some(Token::Period) => key.push('.'),
                    Some(_) => key.push('-'),
                    None => break (key, start.union(&cursor.last())),
                }
                key.push_str(&cursor.name("the name of an option")?.value);
            }
        }
    };
    cursor.token(&Token::Eq)?;
    let (value, value_span) = match cursor.any() {
        (Token::SingleQuotedString(text), span) => (text, span),
        (Token::Number(digits, _), span) => (digits, span),
        (Token::Word(word), span)
            if ["TRUE", "FALSE"]
                .iter()
                .any(|b| word.value.eq_ignore_ascii_case(b)) =>
        {
            (word.value.to_lowercase(), span)
        }
        (token, span) => {
            return Err(
                SqlError::new(span, format!("expected the value of {key}, found {token}"))
                    .hint("a value is a text in single quotes"),
            );
        }
    };
    Ok(OptionDef {
        key,
        key_span,
        value,
        value_span,
    })
}

/// `PLAIN ENCODE JSON [(key = 'value', …)]`, behind FORMAT.
fn format_clause(cursor: &mut Cursor<'_>) -> Outcome<Vec<OptionDef>> {
    let span = cursor.span();
    let format = cursor.name("PLAIN")?;
    if !format.value.eq_ignore_ascii_case("plain") {
        return Err(unsupported(span, &format!("FORMAT {}", format.value)));
    }
    cursor.word("ENCODE")?;
    let encoding = cursor.name("JSON")?;
    let (key, value) = ("format".to_string(), encoding.value.to_lowercase());
    let mut options = vec![OptionDef {
        key,
        key_span: span,
        value,
        value_span: encoding.span,
    }];
    if cursor.takes_token(&Token::LParen) {
        options.extend(cursor.list(option)?);
        cursor.token(&Token::RParen)?;
    }
    Ok(options)
}

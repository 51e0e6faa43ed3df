//! CREATE TABLE: columns, computed columns, metadata, the watermark and the primary key.

use std::collections::HashSet;

use day03_windows::time::Span as Length;
use sqlparser::tokenizer::Span;

use super::catalog::{Found, find};
use super::connector::connector;
use super::expr::Binder;
use super::scope::Scope;
use crate::error::{Outcome, SqlError, suggest, unsupported};
use crate::parse::ast::{
    Binary, ColumnDef, ColumnKind, CreateTable, Name, Node, Options, PrimaryKey, WatermarkDef,
};
use crate::plan::{Connector, Field, Metadata, Table, TableColumn, Watermark};
use crate::value::DataType;

const METADATA: [&str; 3] = ["partition", "offset", "timestamp"];

/// A table with columns of its own.
pub(crate) fn table(create: &CreateTable) -> Outcome<Table> {
    if create.columns.is_empty() {
        return Err(
            SqlError::new(create.name.span, format!("{} has no columns", create.name.value))
                .hint("write them in parentheses, or AS SELECT … behind WITH"),
        );
    }
    let columns = columns(&create.columns)?;
    let watermark = create
        .watermark
        .as_ref()
        .map(|watermark| self::watermark(watermark, &columns))
        .transpose()?;
    let connector = connector(&create.options, &columns)?;
    let wants = create
        .columns
        .iter()
        .find(|column| matches!(column.kind, ColumnKind::Metadata { .. }));
    if let (Some(column), false) = (wants, matches!(connector, Connector::Kafka { .. })) {
        let message = format!("{} has no metadata for {}", connector.name(), column.name.value);
        return Err(SqlError::new(column.name.span, message)
            .hint("records of kafka have partition, offset and timestamp"));
    }
    let table = Table {
        name: create.name.value.clone(),
        columns,
        watermark,
        connector,
    };
    if let Some(key) = &create.primary_key {
        primary_key(key, &table)?;
    }
    Ok(table)
}

/// A table with the columns of a query.
pub(crate) fn table_of(name: &Name, fields: Vec<Field>, options: &Options, at: Span) -> Outcome<Table> {
    unique(&fields, at)?;
    if let Some(field) = fields.iter().find(|field| field.data_type == DataType::Interval) {
        return Err(SqlError::new(
            at,
            format!("{} is an INTERVAL, and no column of a table can be", field.name),
        ));
    }
    let columns: Vec<TableColumn> = fields
        .into_iter()
        .map(|field| TableColumn {
            field,
            computed: None,
            metadata: None,
        })
        .collect();
    let connector = connector(options, &columns)?;
    Ok(Table {
        name: name.value.clone(),
        columns,
        watermark: None,
        connector,
    })
}

/// Columns of what is written must be told apart.
pub(crate) fn unique(fields: &[Field], at: Span) -> Outcome<()> {
    let mut names = HashSet::new();
    match fields.iter().find(|field| !names.insert(field.name.as_str())) {
        None => Ok(()),
        Some(field) => {
            let message = format!("two columns of the query are called {}", field.name);
            Err(SqlError::new(at, message).hint("rename one of them with AS"))
        }
    }
}

fn columns(defs: &[ColumnDef]) -> Outcome<Vec<TableColumn>> {
    let (mut columns, mut names) = (Vec::<TableColumn>::new(), HashSet::new());
    for def in defs {
        let name = def.name.value.clone();
        if !names.insert(&def.name.value) {
            return Err(SqlError::new(
                def.name.span,
                format!("two columns are called {name}"),
            ));
        }
        let (data_type, metadata) = match &def.kind {
            ColumnKind::Plain(data_type) => (*data_type, None),
            // What is computed may be computed of any column, so it waits until they are all there.
            ColumnKind::Computed(_) => (DataType::Boolean, None),
            ColumnKind::Metadata {
                data_type,
                key,
                is_virtual,
            } => {
                let (metadata, own) = self::metadata(key)?;
                if !is_virtual {
                    return Err(unsupported(def.name.span, "metadata that is written")
                        .hint(format!("METADATA FROM '{}' VIRTUAL", key.value)));
                }
                (
                    metadata_type(metadata, *data_type, own, def.name.span)?,
                    Some(metadata),
                )
            }
        };
        columns.push(TableColumn {
            field: Field { name, data_type },
            computed: None,
            metadata,
        });
    }
    let scope = physical(&columns, defs);
    for (column, def) in columns.iter_mut().zip(defs) {
        if let ColumnKind::Computed(expr) = &def.kind {
            let bound = Binder {
                scope: &scope,
                clause: "a computed column",
                groups: None,
            }
            .bind(expr)?;
            if bound.data_type() == DataType::Interval {
                return Err(SqlError::new(expr.span, "an INTERVAL cannot be a column"));
            }
            column.field.data_type = bound.data_type();
            column.computed = Some(bound.expr);
        }
    }
    Ok(columns)
}

/// The columns that computed ones can be made of. The others are there without a name, so that places stay what they are.
fn physical(columns: &[TableColumn], defs: &[ColumnDef]) -> Scope {
    let fields = columns.iter().zip(defs).map(|(column, def)| match def.kind {
        ColumnKind::Computed(_) => Field {
            name: String::new(),
            data_type: DataType::Boolean,
        },
        _ => column.field.clone(),
    });
    Scope::new(fields.collect(), Some("the columns that are read".to_string()))
}

fn metadata(key: &Name) -> Outcome<(Metadata, DataType)> {
    match key.value.to_lowercase().as_str() {
        "partition" => Ok((Metadata::Partition, DataType::Int)),
        "offset" => Ok((Metadata::Offset, DataType::BigInt)),
        "timestamp" => Ok((Metadata::Timestamp, DataType::TimestampTz)),
        "key" | "headers" | "header" | "topic" | "leader-epoch" | "timestamp-type" => Err(unsupported(
            key.span,
            &format!("the metadata {}", key.value),
        )
        .hint(suggest(&key.value, "there are", METADATA))),
        _ => Err(
            SqlError::new(key.span, format!("no metadata \"{}\"", key.value)).hint(suggest(
                &key.value,
                "there are",
                METADATA,
            )),
        ),
    }
}

fn metadata_type(
    metadata: Metadata,
    declared: Option<DataType>,
    own: DataType,
    at: Span,
) -> Outcome<DataType> {
    use DataType::{BigInt, Int, Timestamp, TimestampTz, Varchar};
    match (metadata, declared) {
        (_, None) => Ok(own),
        (_, Some(declared)) if declared == own => Ok(own),
        (Metadata::Partition, Some(declared @ (Int | BigInt | Varchar)))
        | (Metadata::Offset, Some(declared @ (BigInt | Varchar)))
        | (Metadata::Timestamp, Some(declared @ (Timestamp | TimestampTz))) => Ok(declared),
        (_, Some(declared)) => Err(SqlError::new(
            at,
            format!("this metadata is {own}, and the column is {declared}"),
        )),
    }
}

/// `ts - INTERVAL '5' SECOND`, or `ts`.
fn watermark(def: &WatermarkDef, columns: &[TableColumn]) -> Outcome<Watermark> {
    let name = &def.column;
    let names = columns.iter().map(|column| column.field.name.as_str());
    let Found::One(column) = find(name, names.clone()) else {
        return Err(SqlError::new(
            name.span,
            format!("no column \"{}\" for the watermark", name.value),
        )
        .hint(suggest(&name.value, "there are", names)));
    };
    let data_type = columns
        .get(column)
        .map_or(DataType::Boolean, |column| column.field.data_type);
    if !matches!(data_type, DataType::Timestamp | DataType::TimestampTz) {
        return Err(SqlError::new(
            name.span,
            format!("{} is {data_type}, and a watermark is for a time", name.value),
        )
        .hint(format!(
            "a computed column can be the time: event_time AS TO_TIMESTAMP_LTZ({}, 3)",
            name.value
        )));
    }
    let same = |other: &Name| find(other, names.clone()) == Found::One(column);
    let delay = match &def.expr.node {
        Node::Column(None, other) if same(other) => Length(0),
        Node::Binary(Binary::Minus, left, right) => match (&left.node, &right.node) {
            (Node::Column(None, other), Node::Interval(delay)) if same(other) => Length(*delay),
            _ => return Err(no_watermark(def)),
        },
        _ => return Err(no_watermark(def)),
    };
    match delay < Length(0) {
        true => Err(SqlError::new(
            def.expr.span,
            "a watermark ahead of the rows would make every row late",
        )),
        false => Ok(Watermark { column, delay }),
    }
}

fn no_watermark(def: &WatermarkDef) -> SqlError {
    unsupported(def.expr.span, "a watermark of this form").hint(format!(
        "WATERMARK FOR {0} AS {0} - INTERVAL '5' SECOND",
        def.column.value
    ))
}

/// A key is a promise of whoever fills the table: only what nothing depends on takes it.
fn primary_key(key: &PrimaryKey, table: &Table) -> Outcome<()> {
    for column in &key.columns {
        let names = table.columns.iter().map(|column| column.field.name.as_str());
        if !matches!(find(column, names.clone()), Found::One(_)) {
            return Err(
                SqlError::new(column.span, format!("no column \"{}\" for the key", column.value))
                    .hint(suggest(&column.value, "there are", names)),
            );
        }
    }
    match (&table.connector, key.enforced) {
        // Without the key, rows that replace each other there would be counted once each.
        (Connector::Kafka { .. } | Connector::Filesystem { .. }, _) => {
            let message = format!(
                "{} has no primary key: its rows are only added; rows that replace those of the same key are not supported yet",
                table.connector.name()
            );
            Err(SqlError::new(key.span, message))
        }
        (_, true) => {
            Err(unsupported(key.span, "a primary key that is enforced").hint("write NOT ENFORCED behind it"))
        }
        (_, false) => Ok(()),
    }
}

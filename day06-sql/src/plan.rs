//! What statements come to: tables with their connectors, and queries as trees of relational operators.
//!
//! A plan is what is left when names are resolved, types are known, and columns that nobody asks for are gone. It says what
//! is computed, not on how many tasks.

mod connector;
mod explain;
mod properties;
mod prune;
mod push;

pub use properties::{Key, Watermarks};
mod tree;

pub use connector::{Connector, CsvOptions, Generated, JsonOptions, KafkaTable, RowFormat};

use day03_windows::spec::WindowSpec;
use day03_windows::time::Span;

use crate::expr::Expr;
use crate::value::DataType;

/// A named column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as it is shown.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

/// A table that was created over something outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// All columns, in the order of their declaration.
    pub columns: Vec<TableColumn>,
    /// The column that is event time, and how far rows may be behind.
    pub watermark: Option<Watermark>,
    /// What it is connected to.
    pub connector: Connector,
}

impl Table {
    /// The columns that are in the payload of its records, and no others: those that are written when the table is.
    pub fn payload(&self) -> impl Iterator<Item = &Field> {
        let written = self.columns.iter().filter(|column| column.is_written());
        written.map(|column| &column.field)
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableColumn {
    /// Name and type.
    pub field: Field,
    /// Computed of the other columns (places among all columns of the table); none if it is read.
    pub computed: Option<Expr>,
    /// Read from the record around the payload, and cast to the type of the column; none if it is in the payload.
    pub metadata: Option<Metadata>,
}

/// What a record of a topic has besides its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// Its partition, INT.
    Partition,
    /// Its offset, BIGINT.
    Offset,
    /// Its timestamp, TIMESTAMPTZ; NULL if it has none.
    Timestamp,
}

/// `WATERMARK FOR column AS column - delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// The place of the column in the table.
    pub column: usize,
    /// How far rows may be behind.
    pub delay: Span,
}

// ANCHOR: plan
/// A relational operator. The columns of its result are its fields.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Reads a table: only these columns of it, by their places in the table, computed ones and those that they need included.
    Scan {
        /// The table.
        table: Table,
        /// The columns that are read or computed, in the order of the result.
        columns: Vec<usize>,
    },
    /// Reads what a view holds.
    View {
        /// Its name.
        name: String,
        /// Its columns.
        fields: Vec<Field>,
        /// Whether its rows change after they were added.
        updates: bool,
        /// What else is known of its rows.
        known: Properties,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// Where rows come from.
        input: Box<Plan>,
        /// A BOOLEAN.
        predicate: Expr,
    },
    /// Computes columns.
    Project {
        /// Where rows come from.
        input: Box<Plan>,
        /// The columns.
        columns: Vec<(Expr, Field)>,
    },
    /// One row a group: first the keys, then with windows window_start and window_end, then the aggregates.
    Aggregate {
        /// Where rows come from.
        input: Box<Plan>,
        /// What rows are grouped by, without the window's bounds.
        keys: Vec<(Expr, Field)>,
        /// What is computed of a group.
        aggregates: Vec<(Aggregate, Field)>,
        /// Groups by window too, and gives each group once, when its window closes; none for a result that is updated.
        window: Option<Window>,
    },
    /// Pairs of rows, one of each input, whose keys are equal: the columns of the left one, then those of the right one. A
    /// key that is NULL equals nothing.
    Join {
        /// Where the left rows come from.
        left: Box<Plan>,
        /// Where the right rows come from.
        right: Box<Plan>,
        /// What has to be equal, one pair at least: an expression over the left row and one over the right row, of the same
        /// type.
        on: Vec<(Expr, Expr)>,
        /// A BOOLEAN over the columns of the pair that has to be true as well.
        residual: Option<Expr>,
    },
    /// All rows of all inputs, which have columns of the same types. Their names are those of the first.
    Union {
        /// Where rows come from, one input at least.
        inputs: Vec<Plan>,
    },
}
// ANCHOR_END: plan

/// What the rows of a result are known to be like.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Properties {
    /// The columns that the watermark speaks about.
    pub watermarks: Watermarks,
    /// What tells rows apart.
    pub keys: Vec<Key>,
}

/// Windows over a column of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Which windows.
    pub spec: WindowSpec,
    /// The column of the input by which rows belong to them.
    pub time: usize,
    /// The type of that column.
    pub data_type: DataType,
    /// The type of window_start and window_end.
    pub bounds: DataType,
}

/// An aggregate of the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub function: AggregateFunction,
    /// Of what; none for `COUNT(*)`.
    pub argument: Option<Expr>,
}

/// Which aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateFunction {
    /// How many rows, or how many that are not NULL.
    Count,
    /// BIGINT of integers is BIGINT with an overflow an error; NUMERIC and DOUBLE as they are.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// NUMERIC of integers and decimals, DOUBLE of floats.
    Avg,
}

/// Where the result of a query goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Sink {
    /// Into a table over something outside.
    Table(Table),
    /// Into a view with this name.
    View(String),
    /// To whoever asked.
    Result,
}

/// A query that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is computed.
    pub plan: Plan,
    /// Where it goes.
    pub sink: Sink,
}

/// A statement as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A table was declared; nothing runs for it alone.
    Created(Table),
    /// A query got this name (CREATE VIEW); it is part of the queries that read it, and nothing runs for it alone.
    Named(String),
    /// A query.
    Query(Query),
    /// A query to be shown, by its `Display`, and not run.
    Explain(Query),
}

impl AggregateFunction {
    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            AggregateFunction::Count => "COUNT",
            AggregateFunction::Sum => "SUM",
            AggregateFunction::Min => "MIN",
            AggregateFunction::Max => "MAX",
            AggregateFunction::Avg => "AVG",
        }
    }
}

impl TableColumn {
    /// Whether it is part of what is written, when the table is written to.
    pub fn is_written(&self) -> bool {
        self.computed.is_none() && self.metadata.is_none()
    }
}

impl Sink {
    /// The name of the table or the view.
    pub fn name(&self) -> &str {
        match self {
            Sink::Table(table) => &table.name,
            Sink::View(name) => name,
            Sink::Result => "result",
        }
    }

    /// The topic that it writes to, if it is one.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Sink::Table(Table {
                connector: Connector::Kafka(kafka),
                ..
            }) => Some(&kafka.topic),
            _ => None,
        }
    }
}

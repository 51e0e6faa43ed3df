//! Statements as they were written, with the place of every name.
//!
//! This is smaller than the tree of the library that reads expressions, on purpose: what is not in here is refused while the
//! text is read, where its place is known, so the binder needs no arm for what it cannot do.

use sqlparser::tokenizer::Span;

use crate::value::DataType;

/// A name of somebody's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Without quotes.
    pub value: String,
    /// Quoted names must match to the letter.
    pub quoted: bool,
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum Statement {
    Create(Box<CreateTable>),
    View(CreateView),
    Sink(CreateSink),
    Insert {
        table: Name,
        columns: Vec<Name>,
        query: Query,
    },
    Query(Query),
    Explain(Box<Statement>, Span),
}

impl Statement {
    /// The name of what is to be created only if there is nothing of that name.
    pub(crate) fn if_not_exists(&self) -> Option<&Name> {
        let (name, if_not_exists) = match self {
            Statement::Create(table) => (&table.name, table.if_not_exists),
            Statement::View(view) => (&view.name, view.if_not_exists),
            Statement::Sink(sink) => (&sink.name, sink.if_not_exists),
            Statement::Insert { .. } | Statement::Query(_) | Statement::Explain(..) => return None,
        };
        if_not_exists.then_some(name)
    }
}

/// CREATE TABLE or CREATE SOURCE.
#[derive(Debug)]
pub(crate) struct CreateTable {
    pub name: Name,
    pub if_not_exists: bool,
    pub columns: Vec<ColumnDef>,
    pub watermark: Option<WatermarkDef>,
    pub primary_key: Option<PrimaryKey>,
    pub options: Options,
    /// CREATE TABLE … AS SELECT.
    pub query: Option<Query>,
}

/// CREATE VIEW, or CREATE MATERIALIZED VIEW.
#[derive(Debug)]
pub(crate) struct CreateView {
    pub name: Name,
    pub if_not_exists: bool,
    pub materialized: bool,
    pub query: Query,
}

/// RisingWave's CREATE SINK.
#[derive(Debug)]
pub(crate) struct CreateSink {
    pub name: Name,
    pub if_not_exists: bool,
    pub query: Query,
    pub options: Options,
}

#[derive(Debug)]
pub(crate) struct ColumnDef {
    pub name: Name,
    pub kind: ColumnKind,
}

#[derive(Debug)]
pub(crate) enum ColumnKind {
    /// Read from the payload.
    Plain(DataType),
    /// `x AS expr`; RisingWave's `x INT AS expr` is a cast of it.
    Computed(Expr),
    /// `x INT METADATA FROM 'partition' VIRTUAL`; without a type it is that of the metadata, as INCLUDE has it.
    Metadata {
        data_type: Option<DataType>,
        key: Name,
        is_virtual: bool,
    },
}

/// WATERMARK FOR column AS expr.
#[derive(Debug)]
pub(crate) struct WatermarkDef {
    pub column: Name,
    pub expr: Expr,
}

#[derive(Debug)]
pub(crate) struct PrimaryKey {
    pub columns: Vec<Name>,
    pub enforced: bool,
    pub span: Span,
}

/// What WITH says, and FORMAT … ENCODE behind it as options of its own.
#[derive(Debug)]
pub(crate) struct Options {
    pub list: Vec<OptionDef>,
    /// Where a missing one would have stood.
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) struct OptionDef {
    pub key: String,
    pub key_span: Span,
    pub value: String,
    pub value_span: Span,
}

/// A query with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Query {
    /// WITH: queries with names, each of which sees those before it.
    pub with: Vec<(Name, Query)>,
    /// What UNION ALL stands between; mostly one.
    pub parts: Vec<Part>,
    /// EMIT ON WINDOW CLOSE.
    pub emit_on_close: Option<Span>,
    /// Its first word.
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum Part {
    Select(Box<Select>),
    /// In parentheses.
    Query(Box<Query>),
}

#[derive(Debug)]
pub(crate) struct Select {
    pub items: Vec<Item>,
    pub from: Option<From>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    /// The word SELECT.
    pub span: Span,
}

impl Part {
    /// Its first word.
    pub(crate) fn span(&self) -> Span {
        match self {
            Part::Select(select) => select.span,
            Part::Query(query) => query.span,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Item {
    /// `*` or `t.*`.
    All(Option<Name>, Span),
    Expr(Expr, Option<Name>),
}

#[derive(Debug)]
pub(crate) struct From {
    pub first: Input,
    pub joins: Vec<Join>,
}

/// One of the inputs of a query.
#[derive(Debug)]
pub(crate) struct Input {
    pub source: Source,
    pub alias: Option<Name>,
}

/// What is joined to the inputs before it.
#[derive(Debug)]
pub(crate) struct Join {
    pub input: Input,
    pub how: JoinOn,
    /// The word JOIN, or the comma.
    pub span: Span,
}

#[derive(Debug)]
pub(crate) enum JoinOn {
    Condition(Expr),
    Using(Vec<Name>),
    /// A comma or CROSS JOIN: the condition is in WHERE.
    Nothing,
}

#[derive(Debug)]
pub(crate) enum Source {
    Named(Name),
    Windowed(Windowed),
    Query(Box<Query>),
}

/// A window table-valued function.
#[derive(Debug)]
pub(crate) struct Windowed {
    pub kind: WindowKind,
    /// A name or a query.
    pub input: Box<Source>,
    pub time: Name,
    /// With DESCRIPTOR, as Flink writes it; else as RisingWave does.
    pub descriptor: bool,
    pub lengths: Vec<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowKind {
    Tumble,
    Hop,
    Cumulate,
}

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub node: Node,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Column(Option<Name>, Name),
    /// As it is written: what type it has depends on its digits.
    Number(String),
    Text(String),
    Boolean(bool),
    Null,
    /// Milliseconds.
    Interval(i64),
    /// INT '5', TIMESTAMP '…'.
    Typed(DataType, String),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>, bool),
    Between {
        value: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    In {
        value: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Expr>>,
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Cast(Box<Expr>, DataType),
    Call {
        name: Name,
        arguments: Vec<Expr>,
        star: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Plus,
    Minus,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Concat,
}

impl Binary {
    /// As it is written.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Binary::Plus => "+",
            Binary::Minus => "-",
            Binary::Times => "*",
            Binary::Divide => "/",
            Binary::Modulo => "%",
            Binary::Equal => "=",
            Binary::NotEqual => "<>",
            Binary::Less => "<",
            Binary::LessOrEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterOrEqual => ">=",
            Binary::And => "AND",
            Binary::Or => "OR",
            Binary::Concat => "||",
        }
    }
}

impl Expr {
    /// The parts that it is directly made of.
    pub(crate) fn parts(&self) -> Vec<&Expr> {
        match &self.node {
            Node::Column(..) | Node::Number(_) | Node::Text(_) | Node::Boolean(_) | Node::Null => Vec::new(),
            Node::Interval(_) | Node::Typed(..) => Vec::new(),
            Node::Unary(_, part) | Node::IsNull(part, _) | Node::Cast(part, _) => vec![part],
            Node::Binary(_, left, right) => vec![left, right],
            Node::Between { value, low, high, .. } => vec![value, low, high],
            Node::In { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
            Node::Case {
                operand,
                arms,
                otherwise,
            } => {
                let arms = arms.iter().flat_map(|(when, then)| [when, then]);
                operand
                    .as_deref()
                    .into_iter()
                    .chain(arms)
                    .chain(otherwise.as_deref())
                    .collect()
            }
            Node::Call { arguments, .. } => arguments.iter().collect(),
        }
    }
}

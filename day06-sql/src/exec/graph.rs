//! From the queries of a program to one graph of operators.
//!
//! ```text
//! view credits:  … orders …                  scan orders ─┬─► group credits ─► view credits ─┐
//! view debits:   … orders …           ─►                  └─► group debits  ─► view debits  ─┴─► join ─► view balances
//! view balances: … credits JOIN debits
//! ```
//!
//! 1. A table is scanned once for all queries that began together. The scan reads what any of them asks for, and each reader
//!    is given the columns that it has asked for.
//! 2. A view is computed once, and feeds all who read it.
//! 3. Filters and projections are no nodes. They keep nothing, so they are done on the way from one node to the next, in the task
//!    that makes the rows, and what they leave out does not travel.
//! 4. UNION ALL is no node either: a port with several lanes.
//!
//! A reader has a name that is made of its query, so that a checkpoint can say who was served: a query that is added to a
//! program later finds its name missing, and gets a scan of its own.
//!
//! Left out: to recognise that two queries have a part in common other than a table or a view that they name.

use std::collections::{BTreeMap, BTreeSet};

use day01_consumer::Error as InputError;
use day02_state::error::Error;

use super::identity::Served;
use super::steps::{Step, Steps};
use crate::aggregate::Call;
use crate::expr::{Expr, Function};
use crate::plan::{Field, Plan, Query, Sink, Table, Window};
use crate::value::{DataType, Scalar};
use crate::view::View;

// ANCHOR: graph
/// What is computed, as operators that feed each other: each stands behind those that it reads from.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Graph {
    /// The operators.
    pub nodes: Vec<Node>,
}

/// An operator, which runs as one task or as several.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Under which its state is saved.
    pub id: String,
    /// What it does.
    pub work: Work,
    /// Where its rows come from. A scan has no port, a join two.
    pub ports: Vec<Port>,
}

/// What an operator does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Reads these columns of a table.
    Scan(Table, Vec<usize>),
    /// Groups rows.
    Group(Grouping),
    /// Joins two inputs, whose columns have these types.
    Join([Vec<DataType>; 2]),
    /// Keeps the rows of a view.
    View(Vec<Field>),
    /// Writes to a table.
    Sink(Table),
}

/// One side of an operator: the rows of all its lanes.
pub type Port = Vec<Lane>;

/// The way of rows from one operator to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// The place of the operator that makes them.
    pub from: usize,
    /// Who reads them.
    pub reader: String,
    /// What is done with them on the way.
    pub steps: Steps,
    /// By what they are dealt out over the tasks of the next operator.
    pub keys: Vec<Expr>,
}
// ANCHOR_END: graph

/// A grouping of what comes in: its first columns are the keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Grouping {
    /// The types of the keys.
    pub keys: Vec<DataType>,
    /// What is computed of a group.
    pub calls: Vec<Call>,
    /// By which windows, if it is.
    pub window: Option<Window>,
}

impl Graph {
    /// The graph of queries with these ids. `served` says who was served by what when the checkpoint was taken.
    pub fn of(queries: &[Query], ids: &[String], served: &Served) -> Result<Self, Error> {
        let mut building = Building::new(served);
        for (query, id) in queries.iter().zip(ids) {
            building.query(query, id)?;
        }
        building.graph.share_columns(&building.wanted);
        Ok(building.graph)
    }

    /// The graph of a query over views, each of which stands in it as an operator without a port.
    pub fn over_views(query: &Query, views: &[(String, View)]) -> Result<Self, Error> {
        let served = Served::default();
        let mut building = Building::new(&served);
        for (name, view) in views {
            let place = building.add(name.clone(), Work::View(view.fields().to_vec()), Vec::new());
            building.views.insert(name.clone(), place);
        }
        building.query(query, "result")?;
        Ok(building.graph)
    }

    /// The lanes that begin at an operator, in the order of their readers.
    pub fn lanes_of(&self, from: usize) -> impl Iterator<Item = &Lane> {
        let lanes = self.nodes.iter().flat_map(|node| node.ports.iter().flatten());
        lanes.filter(move |lane| lane.from == from)
    }

    /// The operators that get rows of this one, at once or by way of others.
    pub fn behind(&self, from: usize) -> BTreeSet<usize> {
        let mut behind = BTreeSet::from([from]);
        for (place, node) in self.nodes.iter().enumerate() {
            if node
                .ports
                .iter()
                .flatten()
                .any(|lane| behind.contains(&lane.from))
            {
                behind.insert(place);
            }
        }
        behind
    }

    /// Scans read what all of their readers ask for; each reader gets its own columns from that.
    fn share_columns(&mut self, wanted: &BTreeMap<String, Vec<usize>>) {
        for scan in 0..self.nodes.len() {
            let Work::Scan(table, columns) = &mut self.nodes[scan].work else {
                continue;
            };
            columns.sort_unstable();
            columns.dedup();
            let read = columns.iter().enumerate();
            let read =
                read.map(|(at, place)| (*place, Expr::Column(at, table.columns[*place].field.data_type)));
            let read: BTreeMap<usize, Expr> = read.collect();
            let lanes = self
                .nodes
                .iter_mut()
                .flat_map(|node| node.ports.iter_mut().flatten());
            for lane in lanes.filter(|lane| lane.from == scan) {
                let own = wanted.get(&lane.reader).into_iter().flatten();
                let own = own.filter_map(|place| read.get(place).cloned());
                lane.steps.0.insert(0, Step::Project(own.collect()));
            }
        }
    }
}

/// A graph while queries are added to it.
struct Building<'a> {
    served: &'a Served,
    graph: Graph,
    /// By name where views are.
    views: BTreeMap<String, usize>,
    /// By reader of a scan, the columns that it asks for.
    wanted: BTreeMap<String, Vec<usize>>,
    /// The id of the query in hand, and how many readers and operators it has so far.
    query: String,
    readers: usize,
    operators: usize,
}

/// Rows on their way: those of several lanes after UNION ALL.
type Rows = Vec<Lane>;

impl<'a> Building<'a> {
    fn new(served: &'a Served) -> Self {
        Building {
            served,
            graph: Graph::default(),
            views: BTreeMap::new(),
            wanted: BTreeMap::new(),
            query: String::new(),
            readers: 0,
            operators: 0,
        }
    }

    fn query(&mut self, query: &Query, id: &str) -> Result<(), Error> {
        (self.query, self.readers, self.operators) = (id.to_string(), 0, 0);
        let rows = self.rows(&query.plan)?;
        match &query.sink {
            Sink::Table(table) => self.write(table, rows),
            Sink::View(name) => {
                let place = self.add(format!("{id} view"), Work::View(query.plan.fields()), vec![rows]);
                self.views.insert(name.clone(), place);
            }
            Sink::Result => {
                self.add(format!("{id} view"), Work::View(query.plan.fields()), vec![rows]);
            }
        }
        Ok(())
    }

    /// All queries that write to a table share what writes.
    fn write(&mut self, table: &Table, rows: Rows) {
        let id = format!("{} sink", table.name);
        match self.graph.nodes.iter_mut().find(|node| node.id == id) {
            Some(node) => node.ports[0].extend(rows),
            None => drop(self.add(id, Work::Sink(table.clone()), vec![rows])),
        }
    }

    fn add(&mut self, id: String, work: Work, ports: Vec<Port>) -> usize {
        self.graph.nodes.push(Node { id, work, ports });
        self.graph.nodes.len() - 1
    }

    /// An operator of the query in hand.
    fn operator(&mut self, what: &str, work: Work, ports: Vec<Port>) -> Rows {
        let id = format!("{} {what} {}", self.query, self.operators);
        self.operators += 1;
        let from = self.add(id, work, ports);
        vec![self.lane(from, Steps::default())]
    }

    fn lane(&mut self, from: usize, steps: Steps) -> Lane {
        let reader = format!("{} {}", self.query, self.readers);
        self.readers += 1;
        Lane {
            from,
            reader,
            steps,
            keys: Vec::new(),
        }
    }

    // ANCHOR: rows
    /// The rows that a plan gives.
    fn rows(&mut self, plan: &Plan) -> Result<Rows, Error> {
        match plan {
            Plan::Scan { table, columns } => Ok(vec![self.scan(table, columns)]),
            Plan::View { name, .. } => {
                let unknown =
                    || InputError::Usage(format!("the view {name} is not computed by this program"));
                let from = *self.views.get(name).ok_or_else(unknown)?;
                Ok(vec![self.lane(from, Steps::default())])
            }
            Plan::Filter { input, predicate } => {
                let rows = self.rows(input)?;
                Ok(then(rows, &Step::Filter(predicate.clone())))
            }
            Plan::Project { input, columns } => {
                let rows = self.rows(input)?;
                let columns = columns.iter().map(|(expr, _)| expr.clone());
                Ok(then(rows, &Step::Project(columns.collect())))
            }
            Plan::Union { inputs } => {
                let rows = inputs.iter().map(|input| self.rows(input));
                Ok(rows.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Plan::Aggregate { input, .. } => {
                let rows = self.rows(input)?;
                let (columns, grouping) = grouping(plan)?;
                let keys = columns.iter().take(grouping.keys.len()).enumerate();
                let keys = keys
                    .map(|(place, key)| Expr::Column(place, key.data_type()))
                    .collect();
                let port = dealt(then(rows, &Step::Project(columns)), keys);
                Ok(self.operator("group", Work::Group(grouping), vec![port]))
            }
            Plan::Join {
                left,
                right,
                on,
                residual,
            } => {
                let types =
                    [left, right].map(|side| side.fields().iter().map(|field| field.data_type).collect());
                let (of_left, of_right): (Vec<Expr>, Vec<Expr>) = on.iter().cloned().unzip();
                let mut ports = Vec::new();
                for (side, keys) in [(left, of_left), (right, of_right)] {
                    let rows = self.rows(side)?;
                    ports.push(dealt(then(rows, &Step::Filter(none_is_null(&keys))), keys));
                }
                let pairs = self.operator("join", Work::Join(types), ports);
                Ok(match residual {
                    Some(predicate) => then(pairs, &Step::Filter(predicate.clone())),
                    None => pairs,
                })
            }
        }
    }
    // ANCHOR_END: rows

    /// A table is read by the scan that has served this reader before, or by the one for all that are new.
    fn scan(&mut self, table: &Table, columns: &[usize]) -> Lane {
        let lane = self.lane(0, Steps::default());
        let id = self.served.scan(&table.name, &lane.reader);
        let known = self.graph.nodes.iter().position(|node| node.id == id);
        let from = match known {
            Some(from) => from,
            None => self.add(id, Work::Scan(table.clone(), Vec::new()), Vec::new()),
        };
        if let Work::Scan(_, all) = &mut self.graph.nodes[from].work {
            all.extend(columns);
        }
        self.wanted.insert(lane.reader.clone(), columns.to_vec());
        Lane { from, ..lane }
    }
}

/// The same rows behind one step more.
fn then(mut rows: Rows, step: &Step) -> Rows {
    rows.iter_mut().for_each(|lane| lane.steps.0.push(step.clone()));
    rows
}

/// The same rows, dealt out by these keys.
fn dealt(mut rows: Rows, keys: Vec<Expr>) -> Port {
    rows.iter_mut().for_each(|lane| lane.keys.clone_from(&keys));
    rows
}

/// A key that is NULL equals nothing, so a row with one is in no pair.
fn none_is_null(keys: &[Expr]) -> Expr {
    let is_there = |key: &Expr| Expr::Call(Function::IsNotNull, vec![key.clone()], DataType::Boolean);
    let always = Expr::Literal(Scalar::Boolean(true), DataType::Boolean);
    Expr::all(keys.iter().map(is_there).collect()).unwrap_or(always)
}

/// What an aggregation needs of its input, keys first, and what it does with that.
fn grouping(plan: &Plan) -> Result<(Vec<Expr>, Grouping), Error> {
    let Plan::Aggregate {
        keys,
        aggregates,
        window,
        ..
    } = plan
    else {
        return Err(InputError::Usage("no aggregation".to_string()).into());
    };
    let mut columns: Vec<Expr> = keys.iter().map(|(expr, _)| expr.clone()).collect();
    let keys = columns.iter().map(Expr::data_type).collect();
    let mut calls = Vec::new();
    for (aggregate, field) in aggregates {
        calls.push(match &aggregate.argument {
            None => Call::count_rows(),
            Some(argument) => {
                let place = place_of(argument, &mut columns);
                let call = Call::of(aggregate.function, place, argument.data_type());
                call.ok_or_else(|| {
                    let said = format!("{} has no such aggregate of {}", field.name, argument.data_type());
                    Error::Input(InputError::Usage(said))
                })?
            }
        });
    }
    let window = window.map(|window| Window {
        time: place_of(&Expr::Column(window.time, window.data_type), &mut columns),
        ..window
    });
    Ok((columns, Grouping { keys, calls, window }))
}

/// The place of a column, which is added unless it is there.
fn place_of(expr: &Expr, columns: &mut Vec<Expr>) -> usize {
    let place = columns.iter().position(|column| column == expr);
    place.unwrap_or_else(|| {
        columns.push(expr.clone());
        columns.len() - 1
    })
}

#[cfg(test)]
mod tests;

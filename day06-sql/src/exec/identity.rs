//! Under which names the state of a program is saved, and who was served by what.
//!
//! ```text
//! orders scan 0                            the first scan of a table
//! order_summary 5f3c09aa group 0           the sink, a fingerprint of the plan, what the operator does
//! result 77d0e1c2 2 join 0                 the second of two queries that are the same
//! out sink                                 what writes to a table, for all queries that do
//! ```
//!
//! State means something to the query that has saved it, and to no other: the third column of a group is the third
//! aggregate of *that* SELECT. So a program whose SQL was changed since the checkpoint does not take state up that it would
//! misunderstand; it says so and ends.
//!
//! Scans and views serve several readers, and save their names. A reader that is missing there is new, and has seen nothing: of
//! a table it gets a scan of its own, which begins where the table says, and of a view first all rows that it has.
//!
//! Left out: to find out which changes would do no harm, a renamed column for instance. Flink has the same question, and
//! answers it with ids that a person gives to operators.

use std::collections::{BTreeMap, BTreeSet};

use day02_state::error::Error;
use day02_state::keys::hash;
use day02_state::state::file::Snapshot;
use day05_checkpoints::ended::has_closed_all;

use super::graph::{Graph, Work};
use crate::plan::Query;

/// The name of the readers among the parts of an operator's state.
pub(super) const READERS: &str = "readers";

/// The ids of queries.
pub(super) fn ids(queries: &[Query]) -> Vec<String> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let id = |query: &Query| {
        let fingerprint = hash(query.to_string().as_bytes()) >> 32;
        let id = format!("{} {fingerprint:08x}", query.sink.name());
        let times = times.entry(id.clone()).or_default();
        *times += 1;
        match times {
            1 => id,
            times => format!("{id} {times}"),
        }
    };
    queries.iter().map(id).collect()
}

/// By operator who was served when a checkpoint was taken; nobody without one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Served(BTreeMap<String, BTreeSet<String>>);

impl Served {
    /// Those of a checkpoint.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut served: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for operator in snapshot.operators() {
            let parts = snapshot.parts(operator).iter();
            for part in parts.filter(|part| part.name == READERS) {
                let readers = String::from_utf8_lossy(&part.bytes);
                let readers = readers.lines().map(str::to_string);
                served.entry(operator.to_string()).or_default().extend(readers);
            }
        }
        Served(served)
    }

    /// The id of the scan of a table that serves this reader: the one that has, or one more than there were.
    pub(super) fn scan(&self, table: &str, reader: &str) -> String {
        let id = |number: usize| format!("{table} scan {number}");
        let known = (0..).map(id).map_while(|id| Some((self.0.get(&id)?, id)));
        let (mut next, mut found) = (0, None);
        for (number, (readers, id)) in known.enumerate() {
            next = number + 1;
            found = found.or(readers.contains(reader).then_some(id));
        }
        found.unwrap_or_else(|| id(next))
    }

    /// Whether an operator has served others, and not this reader.
    pub(super) fn is_new(&self, operator: &str, reader: &str) -> bool {
        self.0
            .get(operator)
            .is_some_and(|readers| !readers.contains(reader))
    }

    /// The readers that nobody is any more.
    fn gone<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = &'a str> {
        let lanes = graph.nodes.iter().flat_map(|node| node.ports.iter().flatten());
        let now: BTreeSet<&str> = lanes.map(|lane| lane.reader.as_str()).collect();
        let then = self.0.values().flatten().map(String::as_str);
        then.filter(move |reader| !now.contains(reader))
    }
}

/// An error if there is state of a query that is not run any more, or not as it was.
pub(super) fn check_restored(
    snapshot: &Snapshot,
    served: &Served,
    graph: &Graph,
    queries: &[Query],
) -> Result<(), Error> {
    let is_known = |operator: &&str| graph.nodes.iter().any(|node| node.id == **operator);
    let gone = served.gone(graph).next();
    let Some(unknown) = gone.or_else(|| snapshot.operators().find(|operator| !is_known(operator))) else {
        return Ok(());
    };
    let same_sink = |query: &&Query| {
        let behind = unknown.strip_prefix(query.sink.name());
        behind.is_some_and(|behind| behind.starts_with(' '))
    };
    let what = match queries.iter().find(same_sink) {
        Some(query) => format!("the query of {} was another one", query.sink.name()),
        None => {
            let name = unknown.split(' ').next().unwrap_or_default();
            format!("there was a query more, {name},")
        }
    };
    let said = format!(
        "{what} when the checkpoint was taken; run the SQL that took it, or begin anew in another folder"
    );
    Err(Error::Restore(said.into()))
}

/// Whether somebody behind a scan has come to the end of its input, and windows behind that, old ones or new ones, have closed or
/// are going to: they do not open again.
pub(super) fn has_ended(snapshot: &Snapshot, graph: &Graph, scan: usize) -> bool {
    let has_windows = |place: &usize| match graph.nodes.get(*place).map(|node| &node.work) {
        Some(Work::Group(grouping)) => grouping.window.is_some(),
        _ => false,
    };
    let ended = |place: &usize| {
        let node = graph.nodes.get(*place);
        node.is_some_and(|node| has_closed_all(snapshot, &node.id))
    };
    let behind = graph.behind(scan);
    let mut ended = behind.iter().filter(|place| ended(place));
    ended.any(|place| graph.behind(*place).iter().any(has_windows))
}

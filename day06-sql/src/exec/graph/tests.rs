use super::*;
use crate::bind::{Catalog, read};
use crate::exec::identity::ids;
use crate::plan::Statement;

const TABLE: &str =
    "CREATE TABLE orders (a BIGINT, b BIGINT, c BIGINT, d BIGINT) WITH ('connector' = 'datagen');";

fn graph(sql: &str) -> Graph {
    let statements = read(&format!("{TABLE}{sql}"), "test.sql", &mut Catalog::new()).expect("good SQL");
    let queries = statements.into_iter().filter_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    });
    let queries: Vec<Query> = queries.collect();
    Graph::of(&queries, &ids(&queries), &Served::default()).expect("a graph")
}

/// The operators without the fingerprints of their queries, and from where they get rows.
fn drawn(graph: &Graph) -> Vec<String> {
    let name = |id: &str| {
        let words = id.split(' ').filter(|word| word.len() != 8);
        words.collect::<Vec<_>>().join(" ")
    };
    let from = |port: &Port| {
        let lanes = port.iter().map(|lane| name(&graph.nodes[lane.from].id));
        lanes.collect::<Vec<_>>().join(" and ")
    };
    let line = |node: &Node| {
        let ports: Vec<String> = node.ports.iter().map(from).collect();
        format!("{} <- {}", name(&node.id), ports.join(", "))
    };
    graph.nodes.iter().map(line).collect()
}

#[test]
fn a_table_is_scanned_once_and_a_view_computed_once() {
    let graph = graph(
        "CREATE MATERIALIZED VIEW v AS SELECT a, SUM(c) AS s FROM orders GROUP BY a;
         CREATE MATERIALIZED VIEW w AS SELECT v.a, v.s + o.d AS x FROM v JOIN orders AS o ON v.a = o.a;
         SELECT a FROM v UNION ALL SELECT b FROM orders;",
    );
    let expected = [
        "orders scan 0 <- ",
        "v group 0 <- orders scan 0",
        "v view <- v group 0",
        "w join 0 <- v view, orders scan 0",
        "w view <- w join 0",
        "result view <- v view and orders scan 0",
    ];
    assert_eq!(drawn(&graph), expected);
    let Work::Scan(_, columns) = &graph.nodes[0].work else {
        panic!("a scan");
    };
    assert_eq!(*columns, [0, 1, 2, 3], "what any of the three asks for");
    let own = graph.lanes_of(0).map(|lane| match &lane.steps.0[0] {
        Step::Project(columns) => columns.len(),
        Step::Filter(_) => 0,
    });
    assert_eq!(own.collect::<Vec<_>>(), [2, 2, 1], "and each gets its own");
    assert_eq!(graph.behind(2), BTreeSet::from([2, 3, 4, 5]));
}

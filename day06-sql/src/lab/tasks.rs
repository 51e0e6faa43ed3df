//! A plan beside the line of tasks that it becomes.

use day02_state::operator::Failure;

use super::changelog::query;
use crate::exec::graph::{Graph, Work};
use crate::exec::identity::Served;
use crate::exec::steps::Step;

/// The query that is drawn.
pub const BUSY: &str = include_str!("../../examples/busy.sql");

/// A task, or several of the same kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What it is.
    pub name: &'static str,
    /// What it does, one thing a line.
    pub does: Vec<String>,
}

/// A plan, and its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// As EXPLAIN shows it, from the sink to the source, without what is known of the rows.
    pub plan: Vec<String>,
    /// From the source to the sink.
    pub tasks: Vec<Task>,
}

/// Plans the query in this text, and lowers it.
pub fn run(text: &str) -> Result<Lowered, Failure> {
    let query = query(text)?;
    let plan = query.to_string();
    let plan = plan
        .lines()
        .map(|line| line.split_once(" [").map_or(line, |(what, _)| what))
        .map(|line| line.trim_start_matches([' ', '└', '─']).to_string());
    let graph = Graph::of(&[query], &["query".to_string()], &Served::default())?;
    let mut tasks = Vec::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let (name, mut does) = match &node.work {
            Work::Scan(table, columns) => {
                let names = columns.iter().filter_map(|place| table.columns.get(*place));
                let names: Vec<&str> = names.map(|column| column.field.name.as_str()).collect();
                ("source", vec![format!("reads {}", names.join(", "))])
            }
            Work::Group(grouping) => {
                let calls: Vec<String> = grouping.calls.iter().map(ToString::to_string).collect();
                let mut does = vec![match grouping.keys.len() {
                    1 => "groups by 1 column".to_string(),
                    columns => format!("groups by {columns} columns"),
                }];
                does.extend(grouping.window.map(|window| window.spec.to_string()));
                does.push(calls.join(", "));
                ("worker", does)
            }
            _ => continue,
        };
        // The first step of a scan only takes the columns of this reader.
        let first = usize::from(node.ports.is_empty());
        does.extend(
            graph
                .lanes_of(place)
                .flat_map(|lane| words(&lane.steps.0[first..])),
        );
        tasks.push(Task { name, does });
    }
    tasks.push(Task {
        name: "sink",
        does: plan.clone().take(1).collect(),
    });
    Ok(Lowered {
        plan: plan.collect(),
        tasks,
    })
}

fn words(steps: &[Step]) -> impl Iterator<Item = String> {
    steps.iter().map(|step| match step {
        Step::Filter(_) => "filter".to_string(),
        Step::Project(columns) if columns.len() == 1 => "project 1 column".to_string(),
        Step::Project(columns) => format!("project {} columns", columns.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_goes_to_the_source_and_having_to_the_worker() {
        let lowered = run(BUSY).expect("it is understood");
        let names: Vec<&str> = lowered.tasks.iter().map(|task| task.name).collect();
        assert_eq!(names, ["source", "worker", "sink"]);
        let filters = |task: usize| {
            lowered.tasks[task]
                .does
                .iter()
                .filter(|does| *does == "filter")
                .count()
        };
        assert_eq!((filters(0), filters(1)), (1, 1));
    }
}

//! How operators hang together: what each reads, and what comes out of it.

use super::{Field, Plan, Table};

impl Plan {
    /// The columns of its result.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Plan::Scan { table, columns } => {
                let columns = columns.iter().filter_map(|place| table.columns.get(*place));
                columns.map(|column| column.field.clone()).collect()
            }
            Plan::View { fields, .. } => fields.clone(),
            Plan::Filter { input, .. } => input.fields(),
            Plan::Project { columns, .. } => columns.iter().map(|(_, field)| field.clone()).collect(),
            Plan::Aggregate {
                keys,
                aggregates,
                window,
                ..
            } => {
                let keys = keys.iter().map(|(_, field)| field.clone());
                let bounds = window.iter().flat_map(|window| {
                    ["window_start", "window_end"].map(|name| Field {
                        name: name.to_string(),
                        data_type: window.bounds,
                    })
                });
                keys.chain(bounds)
                    .chain(aggregates.iter().map(|(_, field)| field.clone()))
                    .collect()
            }
            Plan::Join { left, right, .. } => [left.fields(), right.fields()].concat(),
            Plan::Union { inputs } => inputs.first().map(Plan::fields).unwrap_or_default(),
        }
    }

    /// The tables that it reads, once for each scan.
    pub fn tables(&self) -> Vec<&Table> {
        match self {
            Plan::Scan { table, .. } => vec![table],
            plan => plan.inputs().into_iter().flat_map(Plan::tables).collect(),
        }
    }

    /// The names of the views that it reads.
    pub fn views(&self) -> Vec<&str> {
        match self {
            Plan::View { name, .. } => vec![name],
            plan => plan.inputs().into_iter().flat_map(Plan::views).collect(),
        }
    }

    /// Whether something in it comes out window by window.
    pub fn has_windows(&self) -> bool {
        let here = matches!(self, Plan::Aggregate { window: Some(_), .. });
        here || self.inputs().into_iter().any(Plan::has_windows)
    }

    /// What it reads rows from; nothing for what begins a plan.
    pub fn inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::Scan { .. } | Plan::View { .. } => Vec::new(),
            Plan::Filter { input, .. } | Plan::Project { input, .. } | Plan::Aggregate { input, .. } => {
                vec![input]
            }
            Plan::Join { left, right, .. } => vec![left, right],
            Plan::Union { inputs } => inputs.iter().collect(),
        }
    }

    /// Whether rows of its result change or go after they were added. Append-only otherwise.
    pub fn updates(&self) -> bool {
        match self {
            Plan::Scan { .. } => false,
            Plan::View { updates, .. } => *updates,
            Plan::Aggregate { window, .. } => window.is_none(),
            plan => plan.inputs().into_iter().any(Plan::updates),
        }
    }

    /// The same result for less: conditions are met as early as they can be, and no column is read that nobody asks for.
    pub fn optimized(self) -> Plan {
        self.pushed().pruned()
    }
}

//! Slices as the parts of a snapshot.
//!
//! Each slice is a table with a name of its own, the time of its end, and has a part for each key group. So a slice that has
//! not changed since the last checkpoint is not written again, and one that is over is just not there any more.
//!
//! What the slices do not say stands in two small parts, for every worker: of which windows they are, and up to when
//! these were closed. Workers need not have closed the same windows, and their slices may be put together; so each
//! says for which key groups it speaks:
//!
//! ```text
//! closed up to, 8 bytes, little-endian | a bit for each key group that it has slices of, 16 bytes, little-endian
//! ```
//!
//! The panes of a window, if there are any, are a table of the same kind, under the end of their window.
//!
//! Slices of other windows are refused, as orders that have been counted in a window that closed would be missing in the
//! new one around it, or be there twice.

use std::collections::BTreeMap;

use day02_state::keys::KEY_GROUPS;
use day02_state::state::encoding::take;
use day02_state::state::{self, BadPart, Frozen, Owner, Part, Value};

use super::sliding::Slices;
use crate::time::EventTime;
use crate::windower::{WINDOWS, check_layout, layout_part};

/// What the name of a slice begins with, before the time of its end, and that of the panes of a window.
const SLICE: &str = "slice ";
const PANES: &str = "panes ";
/// The name of the time up to which windows were closed.
const CLOSED: &str = "closed up to";

/// What was saved, by the time up to which the windows of its worker were closed.
pub(super) type Closed<'a> = BTreeMap<EventTime, Vec<Table<'a>>>;

/// A key group of a table.
pub(super) struct Table<'a> {
    /// What its rows are.
    pub of: Of,
    /// The end of the slice, or of the window.
    pub end: EventTime,
    /// The rows.
    pub part: &'a Part,
}

/// What the rows of a table are.
pub(super) enum Of {
    /// Accumulators of a slice.
    Slice,
    /// How often a window has closed.
    Panes,
}

/// Freezes slices and panes, how their windows are laid out, and up to when those were closed.
pub(super) fn frozen<Acc: Value>(
    layout: String,
    closed: EventTime,
    slices: &mut Slices<Acc>,
    panes: &mut Slices<u32>,
) -> Frozen {
    let groups = groups_of(slices) | groups_of(panes);
    let closed = Part {
        name: CLOSED.to_string(),
        owner: Owner::Every,
        bytes: [&closed.0.to_le_bytes()[..], &groups.to_le_bytes()].concat(),
    };
    Frozen::new(move || vec![layout_part(layout), closed])
        .and(tables(SLICE, slices))
        .and(tables(PANES, panes))
}

fn groups_of<V: Value>(tables: &Slices<V>) -> u128 {
    let groups = tables.values().map(state::Table::groups);
    groups.fold(0, |all, groups| all | groups)
}

fn tables<V: Value>(prefix: &str, tables: &mut Slices<V>) -> Frozen {
    let tables = tables.iter_mut();
    tables
        .map(|(end, table)| table.snapshot(&format!("{prefix}{}", end.0)))
        .fold(Frozen::default(), Frozen::and)
}

/// What a table is of, and the end in its name.
fn named(name: &str) -> Option<(Of, &str)> {
    let slice = name.strip_prefix(SLICE).map(|end| (Of::Slice, end));
    slice.or_else(|| Some((Of::Panes, name.strip_prefix(PANES)?)))
}

/// What was saved, by the time up to which the windows of each worker were closed.
pub(super) fn read<'a>(layout: &str, parts: &'a [Part]) -> Result<Closed<'a>, BadPart> {
    let (mut saved, mut tables) = (Closed::new(), Vec::new());
    let mut groups = [None; KEY_GROUPS as usize];
    check_layout(layout, parts)?;
    for part in parts {
        match (part.name.as_str(), named(&part.name), &part.owner) {
            (CLOSED, _, Owner::Every) => {
                let (closed, speaks_for) = closed(part)?;
                saved.entry(closed).or_default();
                let of_its_own = (0..).zip(&mut groups);
                for (group, of) in of_its_own.filter(|(group, _)| speaks_for >> group & 1 == 1) {
                    if of.replace(closed).is_some_and(|other| other != closed) {
                        return Err(part.bad(format!("two workers speak for key group {group}")));
                    }
                }
            }
            (WINDOWS, _, Owner::Every) => {}
            (_, Some((of, end)), Owner::Group(group)) if *group < KEY_GROUPS => {
                let end = end.parse().map_err(|_| part.bad("it ends at no time"))?;
                let end = EventTime(end);
                tables.push((usize::from(*group), Table { of, end, part }));
            }
            _ => return Err(part.bad("it is no state of windows made of slices")),
        }
    }
    for (group, table) in tables {
        let closed = groups[group].ok_or_else(|| {
            table
                .part
                .bad("no worker says up to when its windows were closed")
        })?;
        saved.entry(closed).or_default().push(table);
    }
    Ok(saved)
}

fn closed(part: &Part) -> Result<(EventTime, u128), BadPart> {
    let mut bytes = part.bytes.as_slice();
    match (take(&mut bytes), take(&mut bytes), bytes) {
        (Some(closed), Some(groups), []) => {
            Ok((EventTime(i64::from_le_bytes(closed)), u128::from_le_bytes(groups)))
        }
        _ => Err(part.bad("it is no time and no key groups")),
    }
}

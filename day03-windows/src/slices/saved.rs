//! Slices as the parts of a snapshot.
//!
//! There is one part for each key group, since a later run may have another number of workers. Each says up
//! to when its worker had closed windows, because it may be put together with parts of workers that had
//! closed others:
//!
//! ```text
//! closed up to, 8 bytes, little-endian | for each slice: its end, 8 bytes | length, 8 bytes | entries, as day 2 writes a key group
//! ```
//!
//! Panes are written in the same way, by the ends of their windows, if there are any.
//!
//! A worker without any slice has something to say too: of which windows it is, and up to when it had closed
//! them. Those are parts of their own, for every worker. Slices of other windows are refused, as orders that
//! have been counted in a window that closed would be missing in the new one around it, or be there twice.

use std::collections::BTreeMap;

use day02_state::state::{BadPart, Frozen, Owner, Part, Value};

use super::sliding::Slices;
use crate::time::EventTime;
use crate::windower::{time_in, time_part};

/// The name of the slices among the parts of a snapshot.
const SLICES: &str = "slices";
/// The name of the panes.
pub(super) const PANES: &str = "panes";
/// The name of how windows are laid out, as `--window` takes it.
const WINDOWS: &str = "windows";
/// The name of the time up to which windows were closed.
const CLOSED: &str = "closed";

/// Up to when windows were closed, and slices or panes by their ends.
pub(super) type Closed = (EventTime, Vec<(EventTime, Part)>);

/// Freezes slices and panes, how their windows are laid out, and up to when those were closed.
pub(super) fn frozen<Acc: Value>(
    layout: String,
    closed: EventTime,
    slices: &mut Slices<Acc>,
    panes: &mut Slices<u32>,
) -> Frozen {
    let windows = Part {
        name: WINDOWS.to_string(),
        owner: Owner::Every,
        bytes: layout.into_bytes(),
    };
    tables(SLICES, closed, slices)
        .and(tables(PANES, closed, panes))
        .and(Frozen::new(move || vec![windows, time_part(CLOSED, closed)]))
}

/// Freezes tables that are kept by ends, as parts by key group.
fn tables<V: Value>(name: &'static str, closed: EventTime, tables: &mut Slices<V>) -> Frozen {
    let tables: Vec<_> = tables
        .iter_mut()
        .map(|(end, table)| (*end, table.freeze()))
        .collect();
    Frozen::new(move || {
        let mut groups: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for (end, table) in tables {
            for (group, entries) in table.encode_groups() {
                let bytes = groups
                    .entry(group)
                    .or_insert_with(|| closed.0.to_le_bytes().to_vec());
                bytes.extend(end.0.to_le_bytes());
                bytes.extend((entries.len() as u64).to_le_bytes());
                bytes.extend(entries);
            }
        }
        let parts = groups.into_iter().map(|(group, bytes)| Part {
            name: name.to_string(),
            owner: Owner::Group(group),
            bytes,
        });
        parts.collect()
    })
}

/// A part as it was saved: up to when windows were closed, and the entries of each slice, or of the panes of each
/// window, as a part of its own; none if it only says how its windows are laid out.
pub(super) fn read(layout: &str, part: &Part) -> Result<Option<Closed>, BadPart> {
    let cut = || part.bad("it ends too early");
    match (part.name.as_str(), &part.owner) {
        (CLOSED, _) => return Ok(Some((time_in(part)?, Vec::new()))),
        (WINDOWS, _) => {
            let saved = String::from_utf8_lossy(&part.bytes);
            return match saved == layout {
                true => Ok(None),
                false => Err(part.bad(format!(
                    "they were {saved} and would be {layout} now; go on with {saved}, or start anew"
                ))),
            };
        }
        (SLICES | PANES, Owner::Group(_)) => {}
        _ => return Err(part.bad("it is no state of windows made of slices")),
    }
    let (closed, mut rest) = part.bytes.split_first_chunk().ok_or_else(cut)?;
    let mut slices = Vec::new();
    while !rest.is_empty() {
        let (end, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let (length, behind) = behind.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
        let (entries, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        let slice = Part {
            name: part.name.clone(),
            owner: part.owner.clone(),
            bytes: entries.to_vec(),
        };
        slices.push((EventTime(i64::from_le_bytes(*end)), slice));
        rest = behind;
    }
    Ok(Some((EventTime(i64::from_le_bytes(*closed)), slices)))
}

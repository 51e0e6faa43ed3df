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
//! A worker without any slice has something to say too: up to when it had closed windows. That is a part of
//! its own, for every worker.

use std::collections::BTreeMap;

use day02_state::state::{BadPart, Frozen, Owner, Part, Value};

use super::sliding::Slices;
use crate::time::EventTime;
use crate::windower::{time_in, time_part};

/// The name of the slices among the parts of a snapshot.
const SLICES: &str = "slices";
/// The name of the time up to which windows were closed.
const CLOSED: &str = "closed";

/// Freezes slices, and up to when windows were closed.
pub(super) fn frozen<Acc: Value>(closed: EventTime, slices: &mut Slices<Acc>) -> Frozen {
    let slices: Vec<_> = slices
        .iter_mut()
        .map(|(end, slice)| (*end, slice.freeze()))
        .collect();
    Frozen::new(move || {
        let mut groups: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for (end, slice) in slices {
            for (group, entries) in slice.encode_groups() {
                let bytes = groups
                    .entry(group)
                    .or_insert_with(|| closed.0.to_le_bytes().to_vec());
                bytes.extend(end.0.to_le_bytes());
                bytes.extend((entries.len() as u64).to_le_bytes());
                bytes.extend(entries);
            }
        }
        let slices = groups.into_iter().map(|(group, bytes)| Part {
            name: SLICES.to_string(),
            owner: Owner::Group(group),
            bytes,
        });
        slices.chain([time_part(CLOSED, closed)]).collect()
    })
}

/// A part as it was saved: up to when windows were closed, and the entries of each slice as a part of its own.
pub(super) fn read(part: &Part) -> Result<(EventTime, Vec<(EventTime, Part)>), BadPart> {
    let cut = || part.bad("it ends too early");
    match (part.name.as_str(), &part.owner) {
        (CLOSED, _) => return Ok((time_in(part)?, Vec::new())),
        (SLICES, Owner::Group(_)) => {}
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
    Ok((EventTime(i64::from_le_bytes(*closed)), slices))
}

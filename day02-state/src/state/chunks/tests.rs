//! Chunks of entries, entry by entry.

use super::*;

#[test]
fn an_entry_is_its_key_and_its_value_and_no_more() {
    assert_eq!(size_of::<Entry<u64>>(), 24);
    assert_eq!(size_of::<Entry<[u128; 2]>>(), 48);
    assert_eq!(size_of::<Chunk<u64>>(), 96);
}

fn filled(entries: u64) -> (Chunks<u64>, Vec<Slot>) {
    let mut chunks = Chunks::new();
    let slots = (0..entries).map(|n| chunks.put(&n.to_le_bytes(), n)).collect();
    (chunks, slots)
}

/// What has to hold between any two calls.
fn check<V: Clone>(chunks: &Chunks<V>) {
    for (number, chunk) in (0..).zip(&chunks.chunks) {
        let rows = chunk.rows.get();
        let free = rows.len() - usize::from(chunk.taken);
        assert_eq!(taken(rows).count(), usize::from(chunk.taken));
        assert!(rows.len() <= ROWS);
        let listed = |list: &[u32]| list.iter().filter(|listed| **listed == number).count();
        assert_eq!(listed(&chunks.vacant), usize::from(chunk.taken == 0));
        assert_eq!(
            listed(&chunks.open),
            usize::from((1..ROWS).contains(&usize::from(chunk.taken)))
        );
        let mut next = chunk.free;
        for _ in 0..free {
            match rows[usize::from(next)] {
                Entry::Free { next: behind } => next = behind,
                Entry::Taken { .. } => panic!("chunk {number} counts a taken row as free"),
            }
        }
        assert_eq!(next, END);
    }
}

#[test]
fn freed_rows_are_filled_before_a_chunk_is_begun() {
    let (mut chunks, slots) = filled(3 * ROWS as u64);
    assert_eq!(chunks.chunks.len(), 3);
    check(&chunks);
    let freed: Vec<Slot> = slots.iter().copied().step_by(3).collect();
    for slot in &freed {
        chunks.take(*slot);
    }
    check(&chunks);
    let mut filled: Vec<Slot> = freed.iter().map(|_| chunks.put(b"again", 0)).collect();
    filled.sort_by_key(|slot| slot.0);
    assert_eq!(filled, freed);
    check(&chunks);
}

#[test]
fn a_chunk_that_has_become_empty_holds_no_memory_and_is_used_again() {
    let (mut chunks, slots) = filled(3 * ROWS as u64);
    let full = chunks.memory();
    for slot in &slots[ROWS..2 * ROWS] {
        chunks.take(*slot);
    }
    check(&chunks);
    let freed = full - chunks.memory();
    assert!(
        freed >= ROWS * size_of::<Entry<u64>>() - 64,
        "{freed} bytes came back"
    );
    assert_eq!(chunks.put(b"first", 1), slots[ROWS]);
    assert_eq!(chunks.chunks.len(), 3);
    check(&chunks);
}

#[test]
fn boxed_keys_are_counted_and_freed() {
    let mut chunks = Chunks::new();
    chunks.put(b"short", 0_u64);
    let before = chunks.memory();
    let slot = chunks.put(&[7; 100], 0);
    assert_eq!(chunks.memory(), before + 116);
    chunks.take(slot);
    assert_eq!(chunks.memory(), before);
}

#[test]
fn a_chunk_is_copied_only_if_somebody_else_still_holds_it() {
    let (mut chunks, slots) = filled(2 * ROWS as u64);
    let address = |chunks: &Chunks<u64>| {
        chunks
            .chunks
            .iter()
            .map(|c| c.rows.get().as_ptr())
            .collect::<Vec<_>>()
    };
    let before = address(&chunks);

    drop(chunks.share());
    *chunks.value_mut(slots[0]) += 1;
    assert_eq!(address(&chunks), before);

    let frozen = chunks.share();
    *chunks.value_mut(slots[0]) += 1;
    let after = address(&chunks);
    assert!(after[0] != before[0] && after[1] == before[1]);
    assert_eq!(
        taken(&frozen[0].rows).next(),
        Some((&0_u64.to_le_bytes()[..], &1))
    );
    assert_eq!(chunks.at(slots[0]).1, &2);
}

/// The slots that a snapshot frozen now says have changed.
fn changed(chunks: &mut Chunks<u64>, pending: &mut Vec<Bits>) -> Vec<u32> {
    let frozen = chunks.share_changes(pending);
    let rows = (0..).zip(&frozen);
    rows.flat_map(|(number, chunk)| chunk.changed().map(move |row| Slot::new(number, row).0))
        .collect()
}

#[test]
fn rows_count_as_changed_until_a_snapshot_that_holds_them_is_durable() {
    let (mut chunks, slots) = filled(2 * ROWS as u64);
    let mut pending = Vec::new();
    assert_eq!(changed(&mut chunks, &mut pending).len(), 2 * ROWS);
    pending.clear();
    assert!(changed(&mut chunks, &mut pending).is_empty());
    *chunks.value_mut(slots[70]) += 1;
    drop(chunks.share());
    assert_eq!(
        changed(&mut chunks, &mut pending),
        [70],
        "a reader takes nothing away"
    );
    // This snapshot is given up.
    *chunks.value_mut(slots[600]) += 1;
    assert_eq!(changed(&mut chunks, &mut pending), [70, 600]);
    *chunks.value_mut(slots[1]) += 1;
    pending.clear();
    assert_eq!(
        changed(&mut chunks, &mut pending),
        [1],
        "written behind the one that is durable"
    );
}

#[test]
fn a_copied_chunk_keeps_its_room() {
    let (mut chunks, _) = filled(ROWS as u64 + 1);
    let _frozen = chunks.share();
    let slot = chunks.put(b"next", 1);
    assert_eq!((slot.chunk(), slot.row()), (1, 1));
    assert_eq!(chunks.chunks[1].rows.get().capacity(), ROWS);
}

#[test]
#[should_panic = "no entry lies at Slot(3) any more"]
fn a_stale_slot_is_refused() {
    let (mut chunks, slots) = filled(10);
    chunks.take(slots[3]);
    chunks.value_mut(slots[3]);
}

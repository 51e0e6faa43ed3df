//! Who owns a key, what moves when the number of workers changes, and why money is no float.

use std::error::Error;
use std::io::Write;

use day02_state::keys::{KEY_GROUPS, groups_of, hash, key_group, worker_of};
use day02_state::order::{Cents, money};

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for merchant in ["m-1", "m-7", "m-42"] {
        let group = key_group(hash(merchant.as_bytes()));
        writeln!(
            out,
            "{merchant:4}  hash {:016x}  group {group:3}  worker {} of 3, {} of 4",
            hash(merchant.as_bytes()),
            worker_of(group, 3),
            worker_of(group, 4)
        )?;
    }
    writeln!(out)?;
    for workers in [3, 4] {
        let ranges: Vec<String> = (0..workers)
            .map(|worker| format!("{:?}", groups_of(worker, workers)))
            .collect();
        writeln!(out, "{workers} workers: groups {}", ranges.join("  "))?;
    }
    let moved = (0..KEY_GROUPS)
        .filter(|group| worker_of(*group, 3) != worker_of(*group, 4))
        .count();
    let pieces = (0..KEY_GROUPS)
        .map(|group| (worker_of(group, 3), worker_of(group, 4)))
        .filter(|(before, after)| before != after)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    let keys = 12_000_u64;
    let moved_keys = (0..keys).filter(|hash| hash % 3 != hash % 4).count();
    writeln!(
        out,
        "3 → 4: {moved} of {KEY_GROUPS} groups move, in {pieces} contiguous pieces"
    )?;
    writeln!(
        out,
        "with hash % n: {moved_keys} of {keys} keys move, each on its own"
    )?;
    writeln!(out)?;

    let amounts = ["0.10", "0.20", "0.30", "1000000000.00", "-1000000000.00"];
    let floats: Vec<f64> = amounts
        .iter()
        .map(|amount| amount.parse())
        .collect::<Result<_, _>>()?;
    let cents: Vec<Cents> = amounts.iter().filter_map(|amount| Cents::parse(amount)).collect();
    let sum = |cents: &mut dyn Iterator<Item = &Cents>| money(cents.map(|amount| i128::from(amount.0)).sum());
    writeln!(out, "five amounts, forwards and backwards")?;
    writeln!(
        out,
        "  as floats: {} and {}",
        floats.iter().sum::<f64>(),
        floats.iter().rev().sum::<f64>()
    )?;
    writeln!(
        out,
        "  as cents:  {} and {}",
        sum(&mut cents.iter()),
        sum(&mut cents.iter().rev())
    )?;
    Ok(())
}

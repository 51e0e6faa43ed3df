//! One function, with an anchor inside of another.

// ANCHOR: total
pub fn total(prices: &[u64]) -> u64 {
    // ANCHOR: sum
    prices.iter().sum()
    // ANCHOR_END: sum
}
// ANCHOR_END: total

pub const ABOUT: &str = "// ANCHOR: no-anchor, since it is no comment";

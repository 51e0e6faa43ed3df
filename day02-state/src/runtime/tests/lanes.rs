//! Rule 1: one lane, or branch, that is stuck holds back no other.
//!
//! This is about a task that *aligns*: behind a barrier it reads nothing from a channel until the barrier has come in on
//! all of them. It so leaves its neighbours stuck on purpose, and they must not wait for each other then.
//!
//! ```text
//!            ┌───────── direct ─────────┐
//!   source ──┤                          ├─► align
//!            └─ detour ─► relay ────────┘
//! ```

use std::collections::BTreeMap;

use super::operators::{Barrier, Log, Numbers, Relay, Says, align, owner, sections};
use super::{SEEDS, TIGHT, Verdict, assert_right_without_a_fault, judge, the_hang, under_all_seeds};
use crate::fault::Fault;
use crate::keys::Owners;
use crate::operator::Message::{self, Control, Data};
use crate::outbox::Outbox;
use crate::runtime::{Edge, Inbox, Job, broadcast, by_key, single};

/// A source that says all this in one turn; its ways to `align` are the channels of `direct` and `detour`.
fn two_ways(
    says: &[Message<u64, Barrier>],
    source: Outbox<Numbers, Barrier>,
    direct: Inbox<Numbers, Barrier>,
    detour: Inbox<Numbers, Barrier>,
) -> (Job, Log) {
    let log = Log::default();
    let mut relay: Edge<Numbers, Barrier> = single(1, TIGHT);
    let mut job = Job::new();
    job.task("source", Inbox::none(), Says(says.to_vec()), source);
    job.task("relay", detour, Relay, relay.outboxes.remove(0));
    job.task(
        "align",
        direct.join(relay.inboxes.remove(0)),
        align(2, &log),
        Outbox::none(),
    );
    (job, log)
}

/// A row, a barrier, and more rows than the direct way has room for: two lanes of an edge that deals out copies.
fn two_lanes(seed: u64) -> Verdict {
    let mut edge = broadcast(1, 2, TIGHT);
    let [direct, detour] = [edge.inboxes.remove(0), edge.inboxes.remove(0)];
    let says = [Data(1), Control(1), Data(2), Data(3)];
    let (job, log) = two_ways(&says, edge.outboxes.remove(0), direct, detour);
    judge(job, seed, || sections(&log) == [vec![1, 1], vec![2, 2, 3, 3]])
}

/// The same with an edge that deals out by key; behind the barrier there are rows only for the direct way.
fn two_lanes_by_key(seed: u64) -> Verdict {
    let mut edge = by_key(1, 2, TIGHT);
    let [direct, detour] = [edge.inboxes.remove(0), edge.inboxes.remove(0)];
    let owners = Owners::of(2);
    let mut of_direct = (0..).filter(|number| owner(&owners, *number) == 0);
    let [a, b, c] = std::array::from_fn(|_| of_direct.next().unwrap());
    let says = [Data(a), Control(1), Data(b), Data(c)];
    let (job, log) = two_ways(&says, edge.outboxes.remove(0), direct, detour);
    judge(job, seed, || sections(&log) == [vec![a], vec![b, c]])
}

/// The same with an edge for each way.
fn two_branches(seed: u64) -> Verdict {
    let (mut direct, mut detour) = (single(1, TIGHT), single(1, TIGHT));
    let both = direct.outboxes.remove(0).tee(detour.outboxes.remove(0));
    let says = [Data(1), Control(1), Data(2), Data(3)];
    let (job, log) = two_ways(&says, both, direct.inboxes.remove(0), detour.inboxes.remove(0));
    judge(job, seed, || sections(&log) == [vec![1, 1], vec![2, 2, 3, 3]])
}

#[test]
fn a_stuck_lane_that_holds_back_the_others_keeps_the_barrier_from_the_relay() {
    assert_right_without_a_fault(two_lanes);
    insta::assert_snapshot!(the_hang(Fault::StuckLaneHoldsBackOthers, two_lanes), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
    assert_right_without_a_fault(two_lanes_by_key);
    insta::assert_snapshot!(the_hang(Fault::StuckLaneHoldsBackOthers, two_lanes_by_key), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
}

#[test]
fn a_stuck_branch_that_holds_back_the_other_keeps_the_barrier_from_the_relay() {
    assert_right_without_a_fault(two_branches);
    insta::assert_snapshot!(the_hang(Fault::StuckBranchHoldsBackOther, two_branches), @r"
    source: waits for input (its output is stuck)
    relay: waits for input (source may send)
    align: has 1 of 2 barriers (source is held back, 1 waiting; relay may send)
    ");
}

#[test]
fn lanes_and_branches_are_two_rules_because_each_fault_shows_only_in_its_own_job() {
    let right = BTreeMap::from([(Verdict::Right, SEEDS)]);
    assert_eq!(
        under_all_seeds(Some(Fault::StuckBranchHoldsBackOther), two_lanes),
        right
    );
    assert_eq!(
        under_all_seeds(Some(Fault::StuckLaneHoldsBackOthers), two_branches),
        right
    );
}

//! Day 3: windows that close when an order comes whose time is at their end or later.

use day01_consumer::lab::scenario::Scenario;
use day02_state::runtime::Stop;
use day03_windows::job::wire;

use super::closed::Closed;
use super::windows;
use crate::BookError;
use crate::ladder::found::Found;
use crate::ladder::world::{Ended, World};

pub(super) fn run(scenario: &Scenario, seed: u64) -> Result<Option<Found>, BookError> {
    let (world, screen) = (World::new(scenario), Closed::default());
    let mut life = 0;
    loop {
        let options = windows(scenario, life);
        let (job, slot) = wire(vec![world.source()?], &options, screen.clone(), None)?;
        match world.live(job, seed, &Stop::new())? {
            Ended::Well => return Ok(Some(screen.found(scenario, slot.take().stats))),
            Ended::Died => life += 1,
        }
    }
}

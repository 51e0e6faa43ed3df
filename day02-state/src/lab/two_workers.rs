//! The job of this day on a scenario, small enough to be followed order by order: so many sources, so many workers, and
//! a stepper that puts their steps in an order drawn from a seed.

use day01_consumer::lab::log::Log;
use day01_consumer::lab::scenario::Scenario;
use day01_consumer::source::{Share, Source, Start};

use super::trace::{Event, Trace, Traced};
use crate::error::Error;
use crate::job::{AnswerSlot, MerchantTotals, Options, Plain, SourceTask, Totals};
use crate::order::Cents;
use crate::outbox::Outbox;
use crate::rows::Rows;
use crate::runtime::{Buffers, Inbox, Job, Stop, by_key, single};
use crate::stepper::run_stepper;

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Run {
    /// What sources and workers did, in order.
    pub events: Vec<Event>,
    /// The answer: all merchants, by name.
    pub merchants: Vec<(String, Totals)>,
}

/// The records of a scenario in a log in memory.
pub fn log_of(scenario: &Scenario) -> Log {
    let log = Log::new("orders", scenario.partitions);
    for event in &scenario.events {
        let payload = event.payload.as_ref().map(|payload| payload.as_bytes());
        log.append(event.partition, None, payload, None);
    }
    log
}

/// Runs the job over everything in the scenario, one record a poll and one order a packet.
pub fn run(scenario: &Scenario, sources: usize, workers: usize, seed: u64) -> Result<Run, Error> {
    let (log, trace) = (log_of(scenario), Trace::default());
    let options = Options {
        workers,
        on_bad_record: day01_consumer::job::OnBadRecord::Skip,
        buffers: Buffers {
            rows: 1,
            ..Buffers::default()
        },
        ..Options::default()
    };
    let orders = by_key(sources, workers, options.buffers);
    let results = single(workers, options.buffers);
    let (mut job, slot) = (Job::new(), AnswerSlot::default());
    for (index, outbox) in orders.outboxes.into_iter().enumerate() {
        let mut source = log.source("lab", &Start::Earliest, true)?.with_batch(1);
        source.share(Share { index, of: sources });
        let name = format!("source {index}");
        let task = Traced::new(
            SourceTask::new(source, Plain::<Cents>::default(), &options),
            &name,
            &trace,
            |()| Vec::new(),
            taken,
        );
        job.task(name, Inbox::none(), task, outbox);
    }
    for (worker, (inbox, outbox)) in orders.inboxes.into_iter().zip(results.outboxes).enumerate() {
        let name = format!("totals {worker}");
        let task = Traced::new(
            MerchantTotals::new(worker, &options, &slot),
            &name,
            &trace,
            taken,
            |_| Vec::new(),
        );
        job.task(name, inbox, task, outbox);
    }
    let inbox = results.inboxes.into_iter().fold(Inbox::none(), Inbox::merge);
    job.task("collect", inbox, slot.collector(), Outbox::none());
    run_stepper(job, seed, &Stop::new(), &mut |_, _, _| {})?;
    Ok(Run {
        events: trace.events(),
        merchants: slot.take().merchants,
    })
}

fn taken(rows: &Rows<Cents>) -> Vec<String> {
    let each = rows.keys().zip(rows.values());
    each.map(|((merchant, _), amount)| format!("{} {amount}", String::from_utf8_lossy(merchant)))
        .collect()
}

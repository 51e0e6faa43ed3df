//! A bank in four views, and somebody who looks at their total after each step of the job.
//!
//! Money goes from one account to another, so all balances add up to nothing. What the looker finds depends on what is shown:
//! each view as far as it has come, or all views in the same epoch.

use std::collections::BTreeSet;
use std::time::Duration;

use day01_consumer::job::OnBadRecord;
use day01_consumer::lab::log::Log;
use day01_consumer::source::{MAX_RECORD, Start};
use day02_state::error::Error;
use day02_state::operator::Failure;
use day02_state::runtime::{Buffers, Did, Stop};
use day02_state::stepper::{Schedule as Steps, run_stepper};
use day05_checkpoints::coordinator::Schedule;
use day05_checkpoints::disk::Access;
use day05_checkpoints::job::Checkpoints;
use day05_checkpoints::sink::kafka::LostMarker;
use day05_checkpoints::sink::target::Target;

use crate::bind::{Catalog, read};
use crate::exec::open::{Inputs, Opened, Outside};
use crate::exec::{Options, Printed, Running, wire_over};
use crate::plan::{Query, Statement, Table};

/// The views.
pub const SQL: &str = include_str!("../../examples/balances.sql");

/// How many accounts there are.
const ACCOUNTS: usize = 8;

/// What somebody has seen who looked often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// How often the total was there to be seen.
    pub looks: usize,
    /// How often it was not zero.
    pub wrong: usize,
    /// The totals that were seen.
    pub totals: BTreeSet<String>,
}

/// So many transfers. In the first of them each account pays and is paid, so that all are in the join from then on.
fn transfers(many: usize) -> Log {
    let log = Log::new("transfers", 2);
    for number in 0..many {
        let payer = number % ACCOUNTS;
        let payee = if number < ACCOUNTS { payer + 1 } else { number * 5 } % ACCOUNTS;
        let amount = number * 7 % 23 + 1;
        let record = format!(r#"{{"payer":{payer},"payee":{payee},"amount":{amount}}}"#);
        log.append(number % 2, None, Some(record.as_bytes()), None);
    }
    log
}

/// The log in place of the topic.
struct InMemory(Log);

impl Outside for InMemory {
    fn sources(&mut self, _: &Table) -> Result<Opened, Error> {
        let source = self.0.source("bank", &Start::Earliest, true)?.with_batch(3);
        Ok(Opened {
            sources: vec![Box::new(source)],
            sandbox: None,
            bounded: true,
        })
    }

    fn target(&mut self, _: &Table, _: bool) -> Result<Option<Box<dyn Target>>, Error> {
        Ok(None)
    }
}

/// Runs the views over some transfers, and looks after each step, whose order is drawn from a seed.
pub fn run(shown_at_once: bool, seed: u64) -> Result<Looks, Failure> {
    let statements = read(SQL, "balances.sql", &mut Catalog::new())?;
    let queries = statements.into_iter().filter_map(|statement| match statement {
        Statement::Query(query) => Some(query),
        _ => None,
    });
    let queries: Vec<Query> = queries.collect();
    let stop = Stop::new();
    let checkpoints = Checkpoints {
        schedule: Schedule::every(Some(Duration::from_millis(2))),
        ..Checkpoints::new(None, &stop)
    };
    let mut outside = InMemory(transfers(200));
    let printed = Printed::new(std::io::sink());
    let running = wire_over(
        &mut outside,
        &queries,
        &options(shown_at_once),
        &printed,
        checkpoints,
    )?;
    let Running { job, epochs, .. } = running;
    let steps = Steps {
        seed,
        step: Duration::from_micros(100),
    };
    let mut looks = Looks::default();
    run_stepper(job, steps, &stop, &mut |_: Duration, _: &str, _: Did| {
        let views = epochs.rows();
        let [_, debits, balances, total] = views.as_slice() else {
            return;
        };
        // Until every account is there, there is nothing to be summed up.
        let (Some(total), true) = (
            total.first(),
            debits.len() == ACCOUNTS && balances.len() == ACCOUNTS,
        ) else {
            return;
        };
        let total = total[0].to_string();
        looks.looks += 1;
        looks.wrong += usize::from(total != "0");
        looks.totals.insert(total);
    })?;
    Ok(looks)
}

fn options(shown_at_once: bool) -> Options {
    Options {
        workers: 2,
        inputs: Inputs {
            sources: 1,
            until_end: true,
            sandbox: None,
            max_record: MAX_RECORD,
            kafka_options: Vec::new(),
        },
        on_bad_record: OnBadRecord::Fail,
        chunk_rows: usize::MAX,
        lost_marker: LostMarker::default(),
        job: String::new(),
        access: Access::Shared,
        sink_buffer: 64 << 20,
        buffers: Buffers {
            rows: 3,
            capacity: 2,
            linger: Duration::from_micros(100),
        },
        shown_at_once,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_epochs_the_total_is_never_wrong() {
        for seed in 0..5 {
            let at_once = run(true, seed).expect("it runs");
            let in_epochs = run(false, seed).expect("it runs");
            assert!(
                at_once.wrong > 100 && in_epochs.looks > 100,
                "seed {seed}: {at_once:?}"
            );
            assert_eq!((in_epochs.wrong, in_epochs.totals.len()), (0, 1), "seed {seed}");
        }
    }
}

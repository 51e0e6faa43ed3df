//! What lies in an object store while two runs use one place, of which the first has fallen asleep.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use day02_state::state::{Frozen, Owner, Part};
use day05_checkpoints::disk::{Disk, DiskError};
use day05_checkpoints::object_folder::ObjectFolder;
use day05_checkpoints::store::{CheckpointStorage, Progress, Store, StoreError};
use futures_executor::block_on;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut std::io::stdout())
}

pub(crate) fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut first = Store::open(open(&bucket)?, 1)?;
    show(out, "run 1 begins", &bucket)?;
    commit(&mut first, 1)?;
    show(out, "run 1: checkpoint 1 is durable", &bucket)?;
    first.begin(2, states(2))?;
    // It writes and syncs.
    first.step()?;
    first.step()?;
    show(out, "run 1 has uploaded checkpoint 2, and falls asleep", &bucket)?;
    let mut second = Store::open(open(&bucket)?, 1)?;
    show(out, "run 2 begins", &bucket)?;
    commit(&mut second, 2)?;
    show(out, "run 2: checkpoint 2 is durable", &bucket)?;
    let error = loop {
        match first.step() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    writeln!(out, "run 1 wakes up\n  error: {}", short(&error.to_string()))?;
    show(out, "and nothing has changed", &bucket)
}

fn open(bucket: &Arc<dyn ObjectStore>) -> Result<ObjectFolder, DiskError> {
    ObjectFolder::open(Arc::clone(bucket), "windows", "s3://bucket/windows")
}

fn states(id: u64) -> Vec<(String, Frozen)> {
    let part = Part {
        name: "position".to_string(),
        owner: Owner::First,
        bytes: id.to_le_bytes().to_vec(),
    };
    vec![("source".to_string(), Frozen::new(move || vec![part]))]
}

fn commit(store: &mut Store<ObjectFolder>, id: u64) -> Result<(), StoreError> {
    store.begin(id, states(id))?;
    while store.step()? != Progress::Durable(id) {}
    Ok(())
}

/// All objects, and what `current` says.
fn show(out: &mut impl Write, event: &str, bucket: &Arc<dyn ObjectStore>) -> Result<(), Box<dyn Error>> {
    writeln!(out, "{event}")?;
    for object in block_on(bucket.list_with_delimiter(Some(&Path::from("windows"))))?.objects {
        let key = short(object.location.as_ref());
        match key.ends_with("/current") {
            true => {
                let folder = ObjectFolder::look(Arc::clone(bucket), "windows", "s3://bucket/windows")?;
                let names = short(&folder.list()?.join(", "));
                let line = format!("  {key}  run {}: {names}", folder.run());
                writeln!(out, "{}", line.trim_end_matches(": "))?;
            }
            false => writeln!(out, "  {key}")?,
        }
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.replace(&"0".repeat(19), "…")
}

//! Output in files: each epoch becomes one file, which appears whole, and once.
//!
//! ```text
//!   part-00000000000000000007.json           epoch 7, out
//!   part-00000000000000000009.json           epoch 9, out; epoch 8 had no rows
//!   part-00000000000000000010.json.writing   epoch 10, being written: not to be read
//!   .lock                                    held by the run
//! ```
//!
//! 1. The name of a file says which epoch it holds. So whether an epoch is out can be asked of the
//!    folder alone, and there is no other record of it that could disagree.
//! 2. A file gets its name once all its bytes are safe, and does not change any more. A reader can take
//!    every file that has its final name as it is, in the order of the names.
//! 3. After a crash, the epoch that was being published is out if its file has its name; else nothing
//!    of it can be seen, and it is published again. Either way each row is there once.
//! 4. **A file must stay in the folder until the next checkpoint is complete.** Until then a restart
//!    asks for this epoch, and a file that has been moved away cannot be told from one that never was:
//!    its rows would be published again. A reader that wants to move files away can leave the newest
//!    one where it is: the next one is only written when its checkpoint is complete.
//! 5. An epoch without rows makes no file, so that a quiet night does not leave thousands of them.
//! 6. A file of an epoch behind the one with which a run starts is of another job, or of a checkpoint
//!    that was removed. To go on would publish its rows twice, or replace it; so the run ends
//!    and says so.
//!
//! Left out: several epochs in one file, and files that are read by their columns (both in the file
//! sink of Flink).

use day02_state::operator::Outcome;

use super::encoded::Rows;
use super::target::{LastPublished, Published, Target};
use crate::atomic_file::{AtomicFile, digits, from_digits, recover};
use crate::disk::Disk;

const PREFIX: &str = "part-";

/// How rows stand in a file: one a line, as they were encoded, without their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// JSON objects.
    Json,
    /// Texts of any kind.
    Text,
    /// Values separated by commas.
    Csv {
        /// The first line of each file, without its end, if there is to be one.
        header: Option<String>,
    },
}

impl Format {
    fn extension(&self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Text => "txt",
            Format::Csv { .. } => "csv",
        }
    }

    /// The lines of a file, a block for each piece of the rows, the first one with the header.
    fn lines(&self, rows: &Rows) -> Lines {
        let mut header = match self {
            Format::Json | Format::Text | Format::Csv { header: None } => None,
            Format::Csv { header: Some(header) } => Some(format!("{header}\n").into_bytes()),
        };
        Box::new(rows.pieces().map(move |piece| {
            let mut block = header.take().unwrap_or_default();
            block.reserve(piece.bytes());
            for (_, payload) in piece.rows() {
                block.extend_from_slice(payload);
                block.push(b'\n');
            }
            block
        }))
    }
}

/// The blocks of a file, each of which is made when it is written: so an epoch is not held twice.
type Lines = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// A folder with one file for each epoch.
pub struct FileTarget<D> {
    disk: D,
    format: Format,
    under_way: Option<(u64, AtomicFile<Lines>)>,
}

impl<D: Disk> FileTarget<D> {
    /// Files of this format in this folder.
    pub fn new(disk: D, format: Format) -> Self {
        FileTarget {
            disk,
            format,
            under_way: None,
        }
    }
}

// ANCHOR: publish
impl<D: Disk> Target for FileTarget<D> {
    fn publish(&mut self, epoch: u64, rows: &Rows) -> Outcome<Published> {
        if rows.is_empty() {
            return Ok(Published::Done);
        }
        let mut file = match self.under_way.take() {
            Some((under_way, file)) if under_way == epoch => file,
            _ => AtomicFile::in_blocks(name_of(epoch, &self.format), self.format.lines(rows)),
        };
        if file.step(&mut self.disk)? {
            return Ok(Published::Done);
        }
        self.under_way = Some((epoch, file));
        Ok(Published::Again)
    }

    /// Epochs without a file may have had no rows: the last one that has a file decides.
    fn last_out(&mut self, epochs: &[u64]) -> Outcome<LastPublished> {
        let (first, last) = (epochs.first().copied(), epochs.last().copied());
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        let file = recover(&mut self.disk, epoch_of)?
            .last()
            .copied()
            .unwrap_or_default();
        Ok(match file {
            file if file <= first => LastPublished::UpTo(first),
            file if epochs.contains(&file) => LastPublished::UpTo(file),
            file if last == 0 => LastPublished::Unknown(format!(
                "{} holds files of another run, up to epoch {file}, but this run starts anew: use the \
                 --checkpoint-dir of that run, move its files away, or choose another folder",
                self.disk.place()
            )),
            file => LastPublished::Unknown(format!(
                "{} has a file of epoch {file}, and this run goes on from epoch {last}: the file belongs to another \
                 job, or to a newer checkpoint that was removed; move all files after epoch {last} away, or choose another folder",
                self.disk.place()
            )),
        })
    }

    fn describe(&self) -> String {
        format!("files in {}", self.disk.place())
    }
}
// ANCHOR_END: publish

fn name_of(epoch: u64, format: &Format) -> String {
    format!("{PREFIX}{}.{}", digits(epoch), format.extension())
}

/// The epoch in a file, of whatever format: an epoch that is out in another format is out.
fn epoch_of(name: &str) -> Option<u64> {
    let (epoch, extension) = name.strip_prefix(PREFIX)?.split_once('.')?;
    from_digits(epoch).filter(|_| matches!(extension, "json" | "csv" | "txt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fragile::Fragile;
    use crate::sink::encoded::Encoded;

    fn rows(payloads: &[&str]) -> Rows {
        let mut rows = Encoded::default();
        for payload in payloads {
            rows.push(Some(b"key"), payload.as_bytes());
        }
        rows.into()
    }

    fn json(disk: &Fragile) -> FileTarget<Fragile> {
        FileTarget::new(disk.clone(), Format::Json)
    }

    /// Publishes an epoch, and says in how many steps.
    fn publish(target: &mut FileTarget<Fragile>, epoch: u64, rows: &Rows) -> usize {
        let steps = std::iter::repeat_with(|| target.publish(epoch, rows).expect("a step"));
        1 + steps.take(9).take_while(|step| *step == Published::Again).count()
    }

    fn files(disk: &Fragile) -> Vec<(String, String)> {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        disk.files()
            .into_iter()
            .map(|(name, bytes)| (name, text(bytes)))
            .collect()
    }

    #[test]
    fn an_epoch_is_a_file_with_a_row_in_each_line() {
        let header = Some("id,name".to_string());
        #[rustfmt::skip]
        let table = [
            (Format::Json,                 "part-00000000000000000007.json", "row 1\nrow 2\n"),
            (Format::Text,                 "part-00000000000000000007.txt",  "row 1\nrow 2\n"),
            (Format::Csv { header: None }, "part-00000000000000000007.csv",  "row 1\nrow 2\n"),
            (Format::Csv { header },       "part-00000000000000000007.csv",  "id,name\nrow 1\nrow 2\n"),
        ];
        for (format, name, text) in table {
            let disk = Fragile::new();
            let mut target = FileTarget::new(disk.clone(), format);
            assert_eq!(publish(&mut target, 7, &rows(&["row 1", "row 2"])), 4, "steps");
            assert_eq!(files(&disk), [(name.to_string(), text.to_string())]);
        }
    }

    #[test]
    fn an_epoch_without_rows_makes_no_file() {
        let disk = Fragile::new();
        let mut target = FileTarget::new(
            disk.clone(),
            Format::Csv {
                header: Some("id".to_string()),
            },
        );
        assert_eq!(publish(&mut target, 1, &rows(&[])), 1);
        assert_eq!(publish(&mut target, 2, &rows(&["2"])), 4);
        assert_eq!(publish(&mut target, 3, &rows(&[])), 1);
        assert_eq!(
            files(&disk),
            [("part-00000000000000000002.csv".to_string(), "id\n2\n".to_string())]
        );
        assert_eq!(target.last_out(&[2, 3]).expect("known"), LastPublished::UpTo(2));
    }

    #[test]
    fn an_epoch_is_out_when_its_file_has_its_name() {
        for steps in 0..=4 {
            let disk = Fragile::new();
            let mut target = json(&disk);
            publish(&mut target, 1, &rows(&["1"]));
            for _ in 0..steps {
                target.publish(2, &rows(&["2"])).expect("a step");
            }
            let mut target = json(&disk);
            let wanted = LastPublished::UpTo(if steps < 3 { 1 } else { 2 });
            assert_eq!(target.last_out(&[1, 2]).expect("known"), wanted, "{steps}");
            let left = files(&disk).into_iter().map(|(name, _)| name);
            assert!(left.eq((1..=if steps < 3 { 1 } else { 2 }).map(|epoch| name_of(epoch, &Format::Json))));
        }
    }

    #[test]
    fn an_epoch_that_is_out_in_another_format_is_out() {
        let disk = Fragile::new();
        publish(&mut json(&disk), 1, &rows(&["1"]));
        let mut target = FileTarget::new(disk, Format::Csv { header: None });
        assert_eq!(target.last_out(&[0, 1]).expect("known"), LastPublished::UpTo(1));
    }

    #[test]
    fn files_that_are_not_ours_say_nothing_and_stay() {
        let mut disk = Fragile::new();
        let names = ["part-2.json", "part-00000000000000000009.json.gz", "x.writing"];
        for name in names {
            disk.write(name, b"").expect("written");
        }
        assert_eq!(
            json(&disk).last_out(&[1, 2]).expect("known"),
            LastPublished::UpTo(1)
        );
        assert_eq!(files(&disk).len(), names.len());
    }

    #[test]
    fn a_file_of_a_later_epoch_cannot_be_of_this_run() {
        let disk = Fragile::new();
        let mut target = json(&disk);
        for epoch in [4, 5, 6] {
            publish(&mut target, epoch, &rows(&["row"]));
        }
        let anew = "memory holds files of another run, up to epoch 6, but this run starts anew: use the \
                    --checkpoint-dir of that run, move its files away, or choose another folder";
        assert_eq!(
            json(&disk).last_out(&[0]).expect("known"),
            LastPublished::Unknown(anew.to_string())
        );
        for epoch in [3, 5] {
            let said = format!(
                "memory has a file of epoch 6, and this run goes on from epoch {epoch}: the file belongs to another \
                 job, or to a newer checkpoint that was removed; move all files after epoch \
                 {epoch} away, or choose another folder"
            );
            assert_eq!(
                json(&disk).last_out(&[0, epoch]).expect("known"),
                LastPublished::Unknown(said)
            );
        }
        let known = |epochs: &[u64]| json(&disk).last_out(epochs).expect("known");
        assert_eq!(known(&[5, 6]), LastPublished::UpTo(6));
        assert_eq!(known(&[6, 7]), LastPublished::UpTo(6));
        assert_eq!(known(&[4, 5, 6, 7]), LastPublished::UpTo(6));
    }

    #[test]
    fn a_disk_that_fails_is_an_error_that_names_the_file() {
        for fails in 0..4 {
            let mut disk = Fragile::new();
            let mut target = json(&disk);
            disk.fail_after(fails);
            let steps = std::iter::repeat_with(|| target.publish(1, &rows(&["1"])));
            let error = steps.take(4).find_map(Result::err).expect("full").to_string();
            assert!(error.contains("memory/part-00000000000000000001.json"), "{error}");
        }
    }

    #[test]
    fn it_says_where_it_publishes_to() {
        assert_eq!(json(&Fragile::new()).describe(), "files in memory");
    }
}

//! Turns the paths of `--file` into a list of files.
//!
//! A path names a file, stdin (`-`) or a folder; `file:///…` is a path too, as other engines write it. A folder stands for
//! all files in it and in its subfolders, by their names. Files whose names begin with `.` or `_` are no data by an old
//! custom (`_SUCCESS`, `.part-0.crc`), and one that ends with `.writing` is not finished; these are left out, and said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::input::STDIN;
use crate::Error;
use crate::source::Warning;

/// The path that a person means, without `file://`.
pub fn local_path(path: &Path) -> Result<PathBuf, Error> {
    let Some((scheme, rest)) = path.to_str().and_then(|path| path.split_once("://")) else {
        return Ok(path.to_path_buf());
    };
    match scheme {
        "file" if rest.starts_with('/') => Ok(PathBuf::from(rest)),
        "file" => Err(Error::Usage(format!(
            "{}: file:// is followed by an absolute path, as in file:///tmp/orders.json",
            path.display()
        ))),
        _ => Err(Error::Usage(format!(
            "{}: {scheme}:// is not supported; name a file or a folder of this machine",
            path.display()
        ))),
    }
}

/// All files that these paths stand for, and what was left out of folders.
pub(super) fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Warning>), Error> {
    let (mut files, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        let path = local_path(path)?;
        if path == Path::new(STDIN) || !path.is_dir() {
            files.push(path);
            continue;
        }
        let (mut inside, mut left_out) = (Vec::new(), Vec::new());
        walk(&path, &mut inside, &mut left_out)?;
        inside.sort();
        left_out.sort();
        if inside.is_empty() {
            let error = std::io::Error::other("the folder has no files to read");
            return Err(Error::file(path)(error));
        }
        files.append(&mut inside);
        if !left_out.is_empty() {
            warnings.push(Warning::FilesLeftOut { files: left_out });
        }
    }
    Ok((files, warnings))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, left_out: &mut Vec<String>) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let entry = entry.map_err(Error::file(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::file(&path))?;
        match is_left_out(&entry.file_name()) {
            false if kind.is_dir() => walk(&path, files, left_out)?,
            // A link to a folder is not followed: it may lead back here.
            false if path.is_file() => files.push(path),
            _ => left_out.push(path.display().to_string()),
        }
    }
    Ok(())
}

/// Whether a file or folder in a folder is no data, by its name.
pub(super) fn is_left_out(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(['.', '_']) || name.ends_with(".writing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_uri_is_a_path_and_another_scheme_is_refused() {
        let path = |path: &str| local_path(Path::new(path));
        for same in ["a.json", "/a.json", "-", "a:b", "./a:/b"] {
            assert_eq!(path(same).expect("a path"), Path::new(same));
        }
        assert_eq!(
            path("file:///tmp/a b.json").expect("a path"),
            Path::new("/tmp/a b.json")
        );
        for (refused, said) in [
            ("file://a.json", "absolute path"),
            ("s3://bucket/a.json", "s3:// is not supported"),
            ("hdfs://a", "hdfs:// is not supported"),
        ] {
            let error = path(refused).expect_err(refused).to_string();
            assert!(error.starts_with(refused) && error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_folder_stands_for_all_its_files_and_what_is_left_out_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["day=2", "day=1/deep", "_temporary", "empty"] {
            std::fs::create_dir_all(at(name)).expect("a folder");
        }
        for name in [
            "b",
            "day=2/a",
            "day=1/deep/a",
            ".lock",
            "day=1/_SUCCESS",
            "x.writing",
            "_temporary/a",
        ] {
            std::fs::write(at(name), "").expect("a file");
        }
        std::os::unix::fs::symlink(folder.path(), at("back")).expect("a link");
        std::os::unix::fs::symlink(at("b"), at("linked")).expect("a link");
        let (files, warnings) = expand(&[folder.path().to_path_buf()]).expect("files");
        assert_eq!(files, ["b", "day=1/deep/a", "day=2/a", "linked"].map(at));
        let left_out = [".lock", "_temporary", "back", "day=1/_SUCCESS", "x.writing"];
        let left_out = left_out.map(|name| at(name).display().to_string()).to_vec();
        assert_eq!(warnings, [Warning::FilesLeftOut { files: left_out }]);

        let error = expand(&[at("empty")]).expect_err("nothing to read").to_string();
        assert!(
            error.ends_with("empty: the folder has no files to read"),
            "{error}"
        );
    }
}

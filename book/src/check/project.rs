//! The files of the project, each named by its path from the project's root.
//!
//! Reports, includes and links all name files from different folders. Here every name becomes one path from the root,
//! without `.` and `..`, as soon as it is read; two names of one file are then equal, and a path that climbs above the
//! root has no name at all ([`resolve`]).
//!
//! Not listed are folders that hold no source of the book:
//!
//! 1. `target`, and hidden folders (`.git`), except `.ci`, whose scripts the book shows;
//! 2. `tests/books`, the miniature books, which are wrong on purpose;
//! 3. `book` inside of the book: mdBook writes its pages there, together with copies of the files beside them.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::CheckError;

pub(super) struct Project {
    root: PathBuf,
    book: PathBuf,
    files: Vec<PathBuf>,
}

impl Project {
    pub(super) fn open(book_root: &Path, project_root: &Path) -> Result<Self, CheckError> {
        let root = canonical(project_root)?;
        let book = canonical(book_root)?;
        let Ok(book) = book.strip_prefix(&root).map(Path::to_path_buf) else {
            return Err(CheckError::BookOutsideProject { book, project: root });
        };
        let mut project = Project {
            root,
            book,
            files: Vec::new(),
        };
        project.list(Path::new(""))?;
        project.files.sort();
        Ok(project)
    }

    /// The folder of the pages and of SUMMARY.md.
    pub(super) fn chapters(&self) -> PathBuf {
        self.book.join("chapters")
    }

    /// The files whose extension is one of these.
    pub(super) fn files_with(&self, extensions: &[&str]) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|file| {
            file.extension()
                .is_some_and(|own| extensions.iter().any(|extension| own == *extension))
        })
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        self.root.join(path).exists()
    }

    pub(super) fn is_file(&self, path: &Path) -> bool {
        self.root.join(path).is_file()
    }

    pub(super) fn read(&self, file: &Path) -> Result<String, CheckError> {
        let path = self.root.join(file);
        fs::read_to_string(&path).map_err(|source| CheckError::Read { path, source })
    }

    fn list(&mut self, folder: &Path) -> Result<(), CheckError> {
        let full = self.root.join(folder);
        let unreadable = |source| CheckError::Read {
            path: full.clone(),
            source,
        };
        for entry in fs::read_dir(&full).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_file() {
                self.files.push(path);
            } else if kind.is_dir() && !self.passes_over(&path) {
                self.list(&path)?;
            }
        }
        Ok(())
    }

    fn passes_over(&self, folder: &Path) -> bool {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let hidden = name.starts_with('.') && name != ".ci";
        hidden || name == "target" || folder.ends_with("tests/books") || folder == self.book.join("book")
    }
}

/// The file that `target`, as written in `file`, means; none if that is above the root.
pub(super) fn resolve(file: &Path, target: &str) -> Option<PathBuf> {
    let mut path = file.parent()?.to_path_buf();
    for component in Path::new(target).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn canonical(path: &Path) -> Result<PathBuf, CheckError> {
    path.canonicalize().map_err(|source| CheckError::Read {
        path: path.to_path_buf(),
        source,
    })
}

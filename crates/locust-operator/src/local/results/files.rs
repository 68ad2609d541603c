//! The output directory.

use std::fs;
use std::path::{Path, PathBuf};

use super::page::page;
use super::{Document, Followed};

/// Why the results could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The file system said no.
    #[error("writing {}", .path.display())]
    Write {
        /// File or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The document has no JSON form.
    #[error("writing {}", .path.display())]
    Json {
        /// File.
        path: PathBuf,
        /// What the serializer said.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes what is there into `directory`, which is made if needed, and gives
/// the names of the files: `summary.html` and `results.json` always;
/// `report.html`, `stats.csv`, `failures.csv` and `exceptions.csv` if the master
/// could still be asked for them.
pub fn write(
    directory: &Path,
    document: &Document,
    followed: &Followed,
) -> Result<Vec<&'static str>, FilesError> {
    fs::create_dir_all(directory).map_err(|source| FilesError::Write {
        path: directory.to_owned(),
        source,
    })?;
    let path = directory.join("results.json");
    let mut json = serde_json::to_string_pretty(document)
        .map_err(|source| FilesError::Json { path, source })?;
    json.push('\n');
    let page = page(document, &followed.history.points());
    let files = [
        ("summary.html", Some(page.as_bytes())),
        ("report.html", followed.report.as_deref()),
        (
            "stats.csv",
            followed.stats_csv.as_deref().map(str::as_bytes),
        ),
        (
            "failures.csv",
            followed.failures_csv.as_deref().map(str::as_bytes),
        ),
        (
            "exceptions.csv",
            followed.exceptions_csv.as_deref().map(str::as_bytes),
        ),
        ("results.json", Some(json.as_bytes())),
    ];
    let mut written = Vec::new();
    for (name, content) in files {
        let Some(content) = content else { continue };
        let path = directory.join(name);
        fs::write(&path, content).map_err(|source| FilesError::Write { path, source })?;
        written.push(name);
    }
    Ok(written)
}

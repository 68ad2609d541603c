//! What is built: how big, and how fast after an edit.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use super::table::{Figure, median};
use crate::{image, shell, workspace};

const BYTES_PER_MB: f64 = 1_000_000.0;

/// The file that is edited for the inner loop: the middle of the core.
const EDITED: &str = "crates/locust-core/src/decide/mod.rs";
const LOOPS: u32 = 3;

/// The size of the image as it is sent over the network.
pub(super) fn image() -> Result<Vec<Figure>> {
    let archive = image::operator()?;
    let size = fs::metadata(&archive)
        .with_context(|| format!("looking at {}", archive.display()))?
        .len();
    Ok(vec![Figure {
        what: "operator image, compressed",
        value: f64::from(u32::try_from(size).context("an image of more than 4 GB")?) / BYTES_PER_MB,
        unit: "MB",
        limit: Some(10.0),
        upstream: "",
        how: "the archive that `cargo xtask image` writes",
    }])
}

/// Edits the core, and compiles and runs its tests.
pub(super) fn inner_loop() -> Result<Vec<Figure>> {
    let edit = Edit::begin()?;
    let test = || shell::run_quiet(&mut shell::cargo(&["test", "--package", "locust-core"]));
    test()?;
    let mut seconds = Vec::new();
    for turn in 0..LOOPS {
        edit.write(turn)?;
        let began = Instant::now();
        test()?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(vec![Figure {
        what: "inner loop",
        value: median(seconds).context("no turn was measured")?,
        unit: "s",
        limit: Some(5.0),
        upstream: "",
        how: "`cargo test -p locust-core` after an edit of `decide`, median of 3",
    }])
}

/// A source file with something appended; it is put back in the end.
struct Edit {
    path: PathBuf,
    original: String,
}

impl Edit {
    fn begin() -> Result<Self> {
        let path = workspace::root().join(EDITED);
        let original =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { path, original })
    }

    fn write(&self, turn: u32) -> Result<()> {
        let edited = format!(
            "{}\n/// An edit.\npub fn edit() -> u32 {{\n    {turn}\n}}\n",
            self.original
        );
        fs::write(&self.path, edited).with_context(|| format!("editing {}", self.path.display()))
    }
}

impl Drop for Edit {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.original) {
            eprintln!("error: {} is still edited: {error}", self.path.display());
        }
    }
}

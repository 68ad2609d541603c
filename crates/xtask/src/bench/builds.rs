//! What is built: how big, and how fast after an edit.

use std::fs;
use std::path::{Path, PathBuf};
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

/// Edits a copy of the core, and compiles and runs its tests. The copy has a
/// target folder of its own: cargo takes files of the same place in two copies
/// of a workspace for the same.
pub(super) fn inner_loop() -> Result<Vec<Figure>> {
    let folder = workspace::root().join("target/inner-loop");
    let copy = Copied::of(workspace::root(), folder.join("workspace"))?;
    let test = || {
        let mut cargo = shell::cargo(&["test", "--locked", "--package", "locust-core"]);
        cargo
            .current_dir(&copy.root)
            .env("CARGO_TARGET_DIR", folder.join("target"));
        shell::run_quiet(&mut cargo)
    };
    test()?;
    let mut seconds = Vec::new();
    for turn in 0..LOOPS {
        copy.edit(turn)?;
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

/// A copy of the workspace to be edited in place of it.
struct Copied {
    root: PathBuf,
    original: String,
}

impl Copied {
    /// Copies every file that git knows or would take.
    fn of(workspace: &Path, root: PathBuf) -> Result<Self> {
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("removing {}", root.display()))?;
        }
        for path in workspace::files()? {
            let to = root.join(&path);
            let folder = to.parent().unwrap_or(&root);
            fs::create_dir_all(folder)
                .and_then(|()| fs::copy(workspace.join(&path), &to))
                .with_context(|| format!("copying {path} to {}", to.display()))?;
        }
        let edited = root.join(EDITED);
        let original =
            fs::read_to_string(&edited).with_context(|| format!("reading {}", edited.display()))?;
        Ok(Self { root, original })
    }

    fn edit(&self, turn: u32) -> Result<()> {
        let path = self.root.join(EDITED);
        let edited = format!(
            "{}\n/// An edit.\npub fn edit() -> u32 {{\n    {turn}\n}}\n",
            self.original
        );
        fs::write(&path, edited).with_context(|| format!("editing {}", path.display()))
    }
}

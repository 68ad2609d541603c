//! How long a person waits for `make test`: the first time, and then.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::table::Figure;
use crate::{shell, workspace};

const SECONDS_PER_MINUTE: f64 = 60.0;

/// Tests a clone of what is committed twice, the first time with nothing built
/// and every cache empty but cargo's own downloads.
pub(super) fn make_test() -> Result<Vec<Figure>> {
    let folder = workspace::root().join("target/make-test");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let clone = folder.join("workspace");
    let mut git = shell::command("git", &["clone", "--quiet"]);
    shell::run(git.arg(workspace::root()).arg(&clone))?;
    let cold = minutes(&clone, &folder)?;
    let warm = minutes(&clone, &folder)?;
    fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    Ok(vec![
        Figure {
            what: "all of `make test`, the first time",
            value: cold,
            unit: "min",
            limit: Some(30.0),
            upstream: "",
            how: "in a new clone with empty caches: Kubernetes is built too",
        },
        Figure {
            what: "all of `make test`, again",
            value: warm,
            unit: "min",
            limit: Some(6.0),
            upstream: "",
            how: "in the same clone",
        },
    ])
}

fn minutes(clone: &Path, caches: &Path) -> Result<f64> {
    let mut test = shell::cargo(&["xtask", "test"]);
    test.current_dir(clone)
        .env("CARGO_TARGET_DIR", clone.join("target"))
        .env("XDG_CACHE_HOME", caches.join("cache"))
        .env("GOCACHE", caches.join("go-build"))
        .env("GOMODCACHE", caches.join("go-mod"))
        // Else nobody may remove what it downloads.
        .env("GOFLAGS", "-modcacherw");
    let began = Instant::now();
    shell::run(&mut test)?;
    Ok(began.elapsed().as_secs_f64() / SECONDS_PER_MINUTE)
}

//! What the first start of a control plane leaves in etcd: some hundred roles,
//! bindings, accounts and flow schemas, which are the same each time. It is
//! kept beside the programs, and every later control plane begins with a copy.
//! Certificates are not part of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cluster::Cluster;
use crate::control_plane::{
    EVERY_CONTROLLER, Options, Programs, command_lines, prepare, start_components,
    wait_for_default_service_account,
};
use crate::kube;
use crate::sandbox::{Purpose, Sandbox};

/// Where etcd keeps its data, in the state directory.
pub(crate) const ETCD_DATA: &str = "etcd/data";
/// Members of that directory: the database, and the log of what came after.
const PARTS: [&str; 2] = ["member/snap", "member/wal"];
/// etcd reads its log in pages of this size, up to one that is empty.
const PAGE: usize = 4096;

/// Gives a cluster that has not started yet what all have in common.
pub(crate) async fn plant(cluster: &Cluster, programs: &Programs) -> Result<()> {
    let Some(directory) = &programs.seed else {
        return Ok(());
    };
    let seed = find_or_grow(directory, programs)
        .await
        .context("start the first control plane, which later ones are copied from")?;
    copy(&seed, &inside(cluster.sandbox()))
}

/// A second process that asks meanwhile waits for the first.
async fn find_or_grow(directory: &Path, programs: &Programs) -> Result<PathBuf> {
    let mut hash = Sha256::new();
    for argument in command_lines() {
        hash.update(argument);
    }
    let seed = directory.join(format!("seed-{}", kube::short(hash)));
    if seed.is_dir() {
        return Ok(seed);
    }
    let path = directory.join("seed.lock");
    let _lock = tokio::task::spawn_blocking(move || kube::lock(&path)).await??;
    if !seed.is_dir() {
        grow(&seed, programs).await?;
    }
    Ok(seed)
}

/// Starts a control plane, and keeps what it stored.
async fn grow(seed: &Path, programs: &Programs) -> Result<()> {
    let cluster = prepare(Purpose::ControlPlane, programs)?;
    // Nodes begin with it too.
    let options = Options {
        controllers: vec![EVERY_CONTROLLER],
        ..Options::default()
    };
    start_components(&cluster, programs, &options).await?;
    wait_for_default_service_account(&cluster).await?;
    for component in ["kube-controller-manager", "kube-apiserver", "etcd"] {
        cluster.sandbox().kill(component)?;
    }
    let staging = tempfile::Builder::new()
        .prefix("growing-")
        .tempdir_in(seed.parent().context("the seed has a parent")?)?;
    copy(&inside(cluster.sandbox()), staging.path())?;
    fs::rename(staging.keep(), seed).with_context(|| format!("keep {}", seed.display()))
}

/// Copies what is used of etcd's data.
fn copy(data: &Path, to: &Path) -> Result<()> {
    for part in PARTS {
        let to = to.join(part);
        fs::create_dir_all(&to).with_context(|| format!("make {}", to.display()))?;
        for file in files(&data.join(part))? {
            let content = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
            let copy = to.join(file.file_name().unwrap_or_default());
            fs::write(&copy, used(&file, &content))
                .with_context(|| format!("write {}", copy.display()))?;
        }
    }
    Ok(())
}

/// etcd reserves 64 MB for its log, which would be copied into every cluster.
fn used<'a>(file: &Path, content: &'a [u8]) -> &'a [u8] {
    if file.extension().is_none_or(|extension| extension != "wal") {
        return content;
    }
    let last = content.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let pages = last / PAGE + 2;
    content.get(..pages * PAGE).unwrap_or(content)
}

/// What is only reserved ends in `.tmp`.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let listed =
        fs::read_dir(directory).with_context(|| format!("list {}", directory.display()))?;
    let paths = listed.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    paths.retain(|path| {
        path.is_file() && path.extension().is_none_or(|extension| extension != "tmp")
    });
    Ok(paths)
}

/// The data as seen from outside: the directory is a file system of its own,
/// which only the sandbox sees.
fn inside(sandbox: &Sandbox) -> PathBuf {
    let root = format!("/proc/{}/root", sandbox.init_pid());
    let dir = sandbox.dir();
    Path::new(&root)
        .join(dir.strip_prefix("/").unwrap_or(dir))
        .join(ETCD_DATA)
}

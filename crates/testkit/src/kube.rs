//! Finds, or builds once, the Kubernetes programs that the test cluster runs:
//! `hack/kube`, a Go module that makes one multi-call binary, helm and kwok.
//!
//! The results lie in the user's cache under a key made of the module's
//! sources and the compiler's version: editing nothing means building nothing,
//! in every clone.

mod progress;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use sha2::{Digest, Sha256};

use progress::Progress;

/// The version of Kubernetes that `hack/kube` builds; its `go.mod` pins the
/// same, and a test compares them.
pub const KUBERNETES_VERSION: &str = "v1.37.2";

/// What `go build` gets: the module itself (the multi-call binary) and the
/// tools of its `go.mod`.
const PACKAGES: [&str; 3] = [".", "helm.sh/helm/v4/cmd/helm", "sigs.k8s.io/kwok/cmd/kwok"];

/// The built programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeBinaries {
    /// etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet,
    /// kube-proxy, kubectl, coredns and pause; the name it is called by, or
    /// the first argument, selects one.
    pub kube: PathBuf,
    /// Helm.
    pub helm: PathBuf,
    /// KWOK, which plays nodes and pods without running them.
    pub kwok: PathBuf,
}

impl KubeBinaries {
    fn in_directory(dir: &Path) -> Self {
        Self {
            kube: dir.join("kube"),
            helm: dir.join("helm"),
            kwok: dir.join("kwok"),
        }
    }

    fn exist(&self) -> bool {
        [&self.kube, &self.helm, &self.kwok]
            .iter()
            .all(|path| path.is_file())
    }
}

/// The programs, if they were built before; never builds.
///
/// # Errors
/// When Go or the sources are missing.
pub fn find() -> Result<Option<KubeBinaries>> {
    let binaries = KubeBinaries::in_directory(&cache_directory()?.join(key()?));
    Ok(binaries.exist().then_some(binaries))
}

/// The programs, built first if need be: about eight minutes on two cores,
/// with progress on standard error. A second process that asks meanwhile
/// waits for the first.
///
/// # Errors
/// When the build fails.
pub fn find_or_build() -> Result<KubeBinaries> {
    if let Some(binaries) = find()? {
        return Ok(binaries);
    }
    let cache = cache_directory()?;
    fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
    let _lock = lock(&cache.join("lock"))?;
    if let Some(binaries) = find()? {
        return Ok(binaries);
    }
    build(&cache, &key()?)
}

fn build(cache: &Path, key: &str) -> Result<KubeBinaries> {
    let staging = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(cache)?;
    let total = count_packages()?;
    let mut progress = Progress::start(total);
    let output = go()
        .args([
            "build",
            "-v",
            "-trimpath",
            "-ldflags",
            &linker_flags(),
            "-o",
        ])
        .arg(format!("{}/", staging.path().display()))
        .args(PACKAGES)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let mut child = output.context("run `go build` in hack/kube")?;
    let mut last_lines = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if is_package(&line) {
                progress.package_compiled();
            } else {
                last_lines.push(line);
            }
        }
    }
    if !child.wait()?.success() {
        bail!("`go build` in hack/kube failed:\n{}", last_lines.join("\n"));
    }
    progress.finish();
    let finished = cache.join(key);
    fs::rename(staging.keep(), &finished)
        .with_context(|| format!("move the built programs to {}", finished.display()))?;
    Ok(KubeBinaries::in_directory(&finished))
}

/// `go build -v` prints an import path per compiled package; everything else
/// it prints (downloads, errors) has a space.
fn is_package(line: &str) -> bool {
    !line.is_empty() && !line.contains(' ') && !line.starts_with('#')
}

/// Without these `/version`, the node and Helm would read `v0.0.0-master`.
fn linker_flags() -> String {
    let mut parts = KUBERNETES_VERSION.trim_start_matches('v').split('.');
    let (major, minor) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let variable = "-X k8s.io/component-base/version";
    format!(
        "-s -w {variable}.gitVersion={KUBERNETES_VERSION} {variable}.gitMajor={major} {variable}.gitMinor={minor}"
    )
}

fn count_packages() -> Result<usize> {
    let listed = go()
        .args(["list", "-deps"])
        .args(PACKAGES)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("run `go list` in hack/kube")?;
    if !listed.status.success() {
        bail!("`go list` in hack/kube failed: the modules could not be downloaded or read");
    }
    Ok(String::from_utf8_lossy(&listed.stdout).lines().count())
}

/// The hash of everything that decides what is built.
fn key() -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(go_version()?);
    hash.update(linker_flags());
    for path in sources()? {
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(content.len().to_le_bytes());
        hash.update(content);
    }
    Ok(short(hash))
}

/// As part of a file's name.
pub(crate) fn short(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn sources() -> Result<Vec<PathBuf>> {
    let dir = source_directory();
    let entries = fs::read_dir(&dir).with_context(|| format!("read {}", dir.display()))?;
    let mut sources: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|extension| {
                ["go", "mod", "sum"].iter().any(|known| extension == *known)
            })
        })
        .collect();
    sources.sort();
    Ok(sources)
}

fn go_version() -> Result<Vec<u8>> {
    let output = go().arg("version").stdin(Stdio::null()).output().context(
        "run `go`: building the test cluster's Kubernetes needs Go 1.26 or newer on PATH (https://go.dev/dl)",
    )?;
    if !output.status.success() {
        bail!(
            "`go version` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

fn go() -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(source_directory())
        .env("CGO_ENABLED", "0");
    command
}

fn source_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hack/kube")
}

fn cache_directory() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) if !cache.is_empty() => PathBuf::from(cache),
        _ => PathBuf::from(std::env::var_os("HOME").context("find the cache: HOME is not set")?)
            .join(".cache"),
    };
    Ok(base.join("locust-operator/kube"))
}

/// Waits until no other process has this lock.
pub(crate) fn lock(path: &Path) -> Result<Flock<File>> {
    let file = File::create(path).with_context(|| format!("make {}", path.display()))?;
    Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, error)| error)
        .with_context(|| format!("lock {}", path.display()))
}

#[cfg(test)]
mod tests;

//! The operator's own image: one static binary and two names.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::layer::Writer;
use super::oci::Image;
use super::{compile, workspace};

/// The tag is the workspace's version, as in `config/manager`.
const NAME: &str = concat!(
    "docker.io/lotest/locust-k8s-operator:",
    env!("CARGO_PKG_VERSION")
);
const PASSWD: &str = "root:x:0:0::/:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";

/// The program in the image, built if its sources have changed.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    compile::static_binary("locust-operator", "locust-operator")
}

/// The archive of the operator's image, built if its sources have changed.
pub(crate) fn operator() -> anyhow::Result<PathBuf> {
    let binary = binary()?;
    let dist = workspace()?.join("dist");
    let archive = dist.join("locust-operator.tar");
    if is_fresh(&archive, &binary)? {
        return Ok(archive);
    }
    fs::create_dir_all(&dist).with_context(|| format!("making {}", dist.display()))?;
    let content = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
    check_paths(&content)?;
    let unfinished = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(&dist)
        .with_context(|| format!("making a file in {}", dist.display()))?;
    write(&content, unfinished.path())?;
    unfinished
        .persist(&archive)
        .with_context(|| format!("writing {}", archive.display()))?;
    Ok(archive)
}

/// Writes the image of this binary to `archive`.
pub(super) fn write(binary: &[u8], archive: &Path) -> anyhow::Result<()> {
    let mut layer = Writer::gzip()?;
    layer.directory("etc")?;
    layer.file("etc/group", 0o644, GROUP.as_bytes())?;
    layer.file("etc/passwd", 0o644, PASSWD.as_bytes())?;
    layer.file("locust-operator", 0o755, binary)?;
    let image = Image {
        name: NAME,
        entrypoint: "/locust-operator",
        user: "65532:65532",
        workdir: "/",
        env: &[],
        labels: &[
            ("org.opencontainers.image.licenses", "Apache-2.0"),
            ("org.opencontainers.image.title", "locust-k8s-operator"),
            (
                "org.opencontainers.image.version",
                env!("CARGO_PKG_VERSION"),
            ),
        ],
    };
    image.write(layer.finish()?, archive)
}

/// Whether the archive is younger than the binary in it and the program that
/// wrote it.
fn is_fresh(archive: &Path, binary: &Path) -> anyhow::Result<bool> {
    let Ok(written) = fs::metadata(archive).and_then(|metadata| metadata.modified()) else {
        return Ok(false);
    };
    let writer = std::env::current_exe().context("finding this program")?;
    for input in [binary, &writer] {
        let changed = fs::metadata(input)
            .and_then(|metadata| metadata.modified())
            .with_context(|| format!("looking at {}", input.display()))?;
        if changed >= written {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An image that names the place it was built at would differ from place to
/// place, and tell who built it.
pub(super) fn check_paths(binary: &[u8]) -> anyhow::Result<()> {
    for (path, _name) in compile::private_paths()? {
        let path = path.as_os_str().as_encoded_bytes();
        if binary.windows(path.len()).any(|part| part == path) {
            bail!(
                "the operator's binary holds the path {}, so it depends on where it is built",
                String::from_utf8_lossy(path)
            );
        }
    }
    Ok(())
}

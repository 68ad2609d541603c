//! A Locust image for the test cluster: the real Locust from PyPI, on a root
//! file system of Debian packages that are unpacked, not installed.
//!
//! It behaves as the official image `locustio/locust` does (user, working
//! directory, entry point), under the same name, so that manifests need no
//! change to be run in the cluster.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::cache;
use super::command::run;
use super::layer::Writer;
use super::oci::Image;

pub(super) const NAME: &str = "docker.io/locustio/locust:2.47.0";
pub(super) const VERSION: &str = "2.47.0";
pub(super) const REQUIREMENTS: &str = include_str!("locust-requirements.txt");
const PYTHON: &str = "python3.11";

/// The release that the packages below are named in.
const DEBIAN: &str = "bookworm";

/// Python with what its standard library links to, and busybox for those who
/// look into the container.
const PACKAGES: [&str; 28] = [
    "busybox",
    "libbz2-1.0",
    "libc6",
    "libcom-err2",
    "libcrypt1",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libreadline8",
    "libsqlite3-0",
    "libssl3",
    "libstdc++6",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "python3.11-minimal",
    "zlib1g",
];

/// The files that make it a system with users: path, mode, content.
const FILES: [(&str, u32, &str); 4] = [
    (
        "etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/sh\nlocust:x:1000:1000::/home/locust:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    ),
    (
        "etc/group",
        0o644,
        "root:x:0:\nlocust:x:1000:\nnogroup:x:65534:\n",
    ),
    ("etc/nsswitch.conf", 0o644, "hosts: files dns\n"),
    (
        "usr/local/bin/locust",
        0o755,
        "#!/usr/bin/python3.11\nimport sys\nfrom locust.main import main\nsys.exit(main())\n",
    ),
];

/// The archive, from the cache or made now.
pub(super) fn archive() -> anyhow::Result<PathBuf> {
    let recipe = [
        NAME,
        REQUIREMENTS,
        include_str!("locust.rs"),
        include_str!("layer.rs"),
        include_str!("oci.rs"),
    ];
    cache::archive("locust", &recipe, make)
}

fn make(archive: &Path) -> anyhow::Result<()> {
    check_machine()?;
    let scratch = tempfile::tempdir().context("making a temporary directory")?;
    let root = scratch.path().join("root");
    let packages = PACKAGES.len();
    eprintln!("locust image 1/4: downloading {packages} Debian packages");
    let debs = download(scratch.path())?;
    eprintln!("locust image 2/4: unpacking them");
    unpack(&debs, &root)?;
    eprintln!("locust image 3/4: installing Locust {VERSION} from PyPI");
    install(scratch.path(), &root)?;
    eprintln!("locust image 4/4: compiling Python, writing the archive");
    compile(&root)?;
    let mut layer = Writer::plain()?;
    layer.tree(&root)?;
    let image = Image {
        name: NAME,
        entrypoint: "locust",
        user: "1000:1000",
        workdir: "/home/locust",
        env: &["PYTHONUNBUFFERED=1"],
        labels: &[],
    };
    image.write(layer.finish()?, archive)
}

/// Says what is missing before anything is downloaded.
fn check_machine() -> anyhow::Result<()> {
    let process = fs::metadata("/proc/self").context("asking for the own user")?;
    if process.uid() != 0 {
        bail!(
            "it is put together with chroot, which needs root: run `cargo xtask image --test` as root once"
        );
    }
    let release = fs::read_to_string("/etc/os-release").context("reading /etc/os-release")?;
    if !release
        .lines()
        .any(|line| line == format!("VERSION_CODENAME={DEBIAN}"))
    {
        bail!(
            "the test cluster's Locust image is made from packages of Debian 12 ({DEBIAN}): run this on such a machine or in such a container"
        );
    }
    Ok(())
}

/// Gets the packages into `scratch/debs`. A fresh machine has no package lists:
/// then they are fetched first.
fn download(scratch: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let directory = scratch.join("debs");
    fs::create_dir(&directory).context("making a directory for packages")?;
    let attempt = || {
        let mut apt = Command::new("apt-get");
        apt.current_dir(&directory)
            // The directory is closed to the user that apt would change to.
            .args(["-o", "APT::Sandbox::User=root", "--quiet", "download"])
            .args(PACKAGES);
        run("downloading Debian packages", &mut apt)
    };
    if attempt().is_err() {
        eprintln!("locust image 1/4: fetching Debian's package lists first");
        let mut apt = Command::new("apt-get");
        run(
            "fetching Debian's package lists (as root)",
            apt.args(["--quiet", "update"]),
        )?;
        attempt()?;
    }
    let entries = fs::read_dir(&directory).context("listing the downloaded packages")?;
    let mut debs = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .context("listing the downloaded packages")?;
    debs.sort();
    Ok(debs)
}

fn unpack(debs: &[PathBuf], root: &Path) -> anyhow::Result<()> {
    fs::create_dir(root).context("making a directory for the root file system")?;
    for deb in debs {
        let mut dpkg = Command::new("dpkg-deb");
        run(
            "unpacking a Debian package",
            dpkg.arg("-x").arg(deb).arg(root),
        )?;
    }
    for unused in ["doc", "lintian", "locale", "man"] {
        let path = root.join("usr/share").join(unused);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    for directory in [
        "dev",
        "etc",
        "home/locust",
        "proc",
        "root",
        "sbin",
        "sys",
        "tmp",
        "usr/local/bin",
        "usr/sbin",
    ] {
        let path = root.join(directory);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
    }
    for (name, mode, content) in FILES {
        let path = root.join(name);
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        set_mode(&path, mode)?;
    }
    set_mode(&root.join("tmp"), 0o1777)?;
    let home = root.join("home/locust");
    chown(&home, Some(1000), Some(1000))
        .with_context(|| format!("giving {} to its user", home.display()))?;
    symlink(PYTHON, root.join("usr/bin/python3")).context("linking python3")?;
    let mut busybox = chroot(root, "/bin/busybox");
    run(
        "linking busybox's programs",
        busybox.args(["--install", "-s"]),
    )?;
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .with_context(|| format!("setting the mode of {}", path.display()))
}

/// Installs the pinned wheels with this machine's pip, for the image's Python.
fn install(scratch: &Path, root: &Path) -> anyhow::Result<()> {
    let requirements = scratch.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).context("writing requirements.txt")?;
    let site = root
        .join("usr/local/lib")
        .join(PYTHON)
        .join("dist-packages");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ])
    .args(["--disable-pip-version-check", "--root-user-action=ignore"])
    .args(["--python-version", "3.11", "--only-binary=:all:"])
    .args(["--platform", "manylinux2014_x86_64"])
    .args(["--platform", "manylinux_2_28_x86_64"])
    .args(["--require-hashes", "--requirement"])
    .arg(&requirements)
    .arg("--target")
    .arg(&site);
    run("installing Locust from PyPI", &mut pip)?;
    // Its scripts name this machine's Python; the image has its own `locust`.
    let scripts = site.join("bin");
    fs::remove_dir_all(&scripts).with_context(|| format!("removing {}", scripts.display()))
}

/// Compiles once what would otherwise be compiled at every container's start,
/// where nothing may be written. Then shows that Locust starts at all.
fn compile(root: &Path) -> anyhow::Result<()> {
    let mut python = chroot(root, "/usr/bin/python3.11");
    python
        .args([
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode",
            "unchecked-hash",
        ])
        .args([
            "/usr/lib/python3.11",
            "/usr/local/lib/python3.11/dist-packages",
        ]);
    run("compiling the image's Python files", &mut python)?;
    let version = run(
        "starting the image's Locust",
        chroot(root, "/usr/local/bin/locust").arg("--version"),
    )?;
    if !version.contains(&format!("locust {VERSION} ")) {
        bail!("the image's Locust says it is {version:?} instead of {VERSION}");
    }
    Ok(())
}

fn chroot(root: &Path, program: &str) -> Command {
    let mut command = Command::new("chroot");
    command.arg(root).arg(program).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    command
}

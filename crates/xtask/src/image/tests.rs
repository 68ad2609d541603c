//! Archives: the same bytes for the same input, digests that are true, and
//! made once per recipe.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::layer::Writer;
use super::oci::{Image, Summary, hex};
use super::{cache, command, compile, locust, operator, workspace};

const IMAGE: Image = Image {
    name: "example.org/some/image:7",
    entrypoint: "/program",
    user: "1000:1000",
    workdir: "/work",
    env: &["A=b"],
    labels: &[],
};

fn operator_archive(directory: &Path, name: &str) -> PathBuf {
    let path = directory.join(name);
    operator::write(b"a binary", &path).unwrap();
    path
}

/// Every file of a tar stream: name, and content.
fn files(tar: impl Read) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, content)
    });
    entries.collect()
}

#[test]
fn the_operators_archive_is_the_same_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let first = fs::read(operator_archive(directory.path(), "first")).unwrap();
    let second = fs::read(operator_archive(directory.path(), "second")).unwrap();
    assert!(first == second);

    // Both may have been written within one second: times would be equal.
    let mut archive = tar::Archive::new(&first[..]);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mtime().unwrap(), 0);
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if content.starts_with(&[0x1f, 0x8b]) {
            assert_eq!(content[4..8], [0; 4], "the time in gzip's header");
        }
    }
}

#[test]
fn every_digest_of_an_archive_is_true() {
    let directory = tempfile::tempdir().unwrap();
    let path = operator_archive(directory.path(), "image.tar");
    let files = files(fs::File::open(&path).unwrap());
    let blob = |digest: &Value| {
        let digest = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
        let (_, content) = files
            .iter()
            .find(|(name, _)| *name == format!("blobs/sha256/{digest}"))
            .unwrap();
        assert_eq!(hex(&Sha256::digest(content)), digest);
        content.clone()
    };
    let json = |content: &[u8]| serde_json::from_slice::<Value>(content).unwrap();

    assert_eq!(files[0].0, "oci-layout");
    assert_eq!(files[1].0, "index.json");
    let index = json(&files[1].1);
    let manifest = json(&blob(&index["manifests"][0]["digest"]));
    let config = json(&blob(&manifest["config"]["digest"]));
    let layer = blob(&manifest["layers"][0]["digest"]);
    assert_eq!(manifest["layers"][0]["size"], layer.len());

    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&layer[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    let diff_id = format!("sha256:{}", hex(&Sha256::digest(&unpacked)));
    assert_eq!(config["rootfs"]["diff_ids"][0], diff_id);

    let summary = Summary::read(&path).unwrap();
    assert_eq!(index["manifests"][0]["digest"], summary.digest);
    assert_eq!(summary.layer, u64::try_from(layer.len()).unwrap());
}

#[test]
fn the_operators_image_holds_its_binary_and_a_user_that_is_not_root() {
    let directory = tempfile::tempdir().unwrap();
    let path = operator_archive(directory.path(), "image.tar");
    let files_of_archive = files(fs::File::open(&path).unwrap());
    let (_, config) = &files_of_archive[3];
    let config: Value = serde_json::from_slice(config).unwrap();
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Entrypoint"][0], "/locust-operator");
    assert_eq!(config["architecture"], "amd64");

    let (_, layer) = &files_of_archive[4];
    let mut layer = tar::Archive::new(flate2::read::GzDecoder::new(&layer[..]));
    let mut seen = Vec::new();
    for entry in layer.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap()
            ),
            (0, 0, 0)
        );
        let name = entry.path().unwrap().display().to_string();
        seen.push((name, header.mode().unwrap()));
    }
    let expected = [
        ("etc", 0o755),
        ("etc/group", 0o644),
        ("etc/passwd", 0o644),
        ("locust-operator", 0o755),
    ];
    assert_eq!(seen, expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[test]
fn the_image_that_is_built_is_the_image_that_is_deployed() {
    let directory = tempfile::tempdir().unwrap();
    let built = Summary::read(&operator_archive(directory.path(), "image.tar")).unwrap();
    let kustomization = workspace()
        .unwrap()
        .join("config/manager/kustomization.yaml");
    let kustomization: Value =
        serde_saphyr::from_str(&fs::read_to_string(kustomization).unwrap()).unwrap();
    let image = &kustomization["images"][0];
    assert_eq!(
        format!(
            "docker.io/{}:{}",
            image["newName"].as_str().unwrap(),
            image["newTag"].as_str().unwrap()
        ),
        built.name
    );
}

#[test]
fn a_binary_that_names_its_checkout_is_refused() {
    let root = workspace().unwrap().to_str().unwrap();
    let error = operator::check_paths(format!("..{root}/src/main.rs..").as_bytes());
    let error = error.unwrap_err().to_string();
    assert!(error.contains(root), "{error}");
    operator::check_paths(b"/src/crates/locust-operator/src/main.rs").unwrap();
}

#[test]
fn a_tree_becomes_a_layer_by_names_and_modes_and_not_by_times() {
    let long = "a-name-that-is-longer-than-the-hundred-bytes-which-a-tar-header-has-room-for-\
                and-therefore-stored-apart";
    let layer = |names: &[&str], age: u64| {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(age);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
        }
        fs::set_permissions(root.path().join("b/tool"), Permissions::from_mode(0o4755)).unwrap();
        symlink("b/tool", root.path().join("link")).unwrap();
        let mut writer = Writer::plain().unwrap();
        writer.tree(root.path()).unwrap();
        writer.finish().unwrap()
    };
    let names = ["a/one", "b/tool", "b-side", long];
    let mut reversed = names;
    reversed.reverse();
    let mut first = layer(&names, 1);
    assert_eq!(first.digest, layer(&reversed, 2).digest);
    assert_eq!(first.digest, first.diff_id);

    std::io::Seek::rewind(&mut first.file).unwrap();
    let mut archive = tar::Archive::new(first.file);
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.header().mode().unwrap();
        let link = entry
            .link_name()
            .unwrap()
            .map(|name| name.display().to_string());
        seen.push((
            entry.path().unwrap().display().to_string(),
            mode & 0o7000,
            link,
        ));
    }
    let plain = |name: &str| (name.to_owned(), 0, None);
    assert_eq!(
        seen,
        [
            plain("a"),
            plain("a/one"),
            plain(long),
            plain("b"),
            ("b/tool".to_owned(), 0o4000, None),
            plain("b-side"),
            ("link".to_owned(), 0, Some("b/tool".to_owned())),
        ]
    );
}

#[test]
fn an_archive_is_made_once_per_recipe_however_many_ask() {
    let directory = tempfile::tempdir().unwrap();
    let (asked, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let make = |path: &Path| {
        made.fetch_add(1, Ordering::SeqCst);
        // Nobody is ready before all have asked.
        while asked.load(Ordering::SeqCst) < 8 {
            std::thread::yield_now();
        }
        Ok(fs::write(path, "archive")?)
    };
    let ask = |recipe: &[&str]| {
        asked.fetch_add(1, Ordering::SeqCst);
        cache::archive_in(directory.path(), "it", recipe, make).unwrap()
    };
    let paths: Vec<PathBuf> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| ask(&["a", "b"]))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    assert!(paths.iter().all(|path| *path == paths[0]));
    assert_eq!(fs::read_to_string(&paths[0]).unwrap(), "archive");
    assert_ne!(ask(&["ab", ""]), paths[0]);
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

#[test]
fn an_archive_that_could_not_be_made_is_made_the_next_time() {
    let directory = tempfile::tempdir().unwrap();
    let half = |path: &Path| {
        fs::write(path, "half")?;
        anyhow::bail!("no network")
    };
    let error = cache::archive_in(directory.path(), "it", &["a"], half).unwrap_err();
    assert_eq!(format!("{error:#}"), "making the it image: no network");
    let whole = |path: &Path| Ok(fs::write(path, "whole")?);
    let path = cache::archive_in(directory.path(), "it", &["a"], whole).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "whole");
    // The archive and the lock: no scratch directory is left.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn an_archive_says_its_image_and_a_broken_one_says_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    let mut layer = Writer::plain().unwrap();
    layer.file("program", 0o755, b"12345").unwrap();
    IMAGE.write(layer.finish().unwrap(), &path).unwrap();
    assert_eq!(Summary::read(&path).unwrap().name, IMAGE.name);
    fs::write(&path, "").unwrap();
    let error = format!("{:#}", Summary::read(&path).unwrap_err());
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    assert!(error.contains("it holds no index.json"), "{error}");
}

#[test]
fn a_failed_program_is_told_by_its_purpose_and_the_end_of_its_output() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "seq 100; echo the cause >&2; exit 3"]);
    let error = command::run("counting", &mut shell)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("counting: sh: exit status: 3\n"),
        "{error}"
    );
    assert!(error.ends_with("100\nthe cause"), "{error}");
    assert!(!error.contains("\n50\n"), "{error}");
    let error = command::run("counting", &mut Command::new("/no/such")).unwrap_err();
    assert_eq!(error.to_string(), "counting: cannot start /no/such");
}

#[test]
fn every_package_of_the_locust_image_is_pinned_with_its_hash() {
    let mut packages = locust::REQUIREMENTS
        .lines()
        .filter(|line| !line.starts_with('#'));
    assert!(
        packages
            .clone()
            .all(|line| line.contains("==") && line.contains(" --hash=sha256:"))
    );
    let locust = format!("locust=={} ", locust::VERSION);
    assert!(packages.any(|line| line.starts_with(&locust)));
    assert!(locust::NAME.ends_with(&format!(":{}", locust::VERSION)));
}

#[test]
fn places_on_this_machine_are_renamed_by_the_compiler() {
    let flags = compile::flags().unwrap().into_string().unwrap();
    let root = workspace().unwrap().display();
    let flags: Vec<_> = flags.split('\u{1f}').collect();
    assert_eq!(flags[0], "-Ctarget-feature=+crt-static");
    assert_eq!(flags[1], format!("--remap-path-prefix={root}=/src"));
    assert!(flags[2].ends_with("=/cargo"));
}

//! Tests of what can be said without Python and network.

use super::pip::{Pip, complaint};
use super::version::version_in;
use super::*;

#[test]
fn the_tag_of_a_locust_image_names_the_version() {
    for (image, version) in [
        ("locustio/locust:2.40.1", "2.40.1"),
        ("docker.io/locustio/locust:2.40.1", "2.40.1"),
        ("mirror.example:5000/locustio/locust:2.40.1", "2.40.1"),
        ("locustio/locust-otel:2.43.4", "2.43.4"),
        ("locustio/locust:2.40.1-python3.12", "2.40.1"),
        ("locustio/locust:2.40.1@sha256:0123", "2.40.1"),
        ("locustio/locust:latest", CURRENT),
        ("locustio/locust:master", CURRENT),
        ("locustio/locust:2.40", CURRENT),
        ("locustio/locust", CURRENT),
        ("mirror.example:5000/locust", CURRENT),
        ("locustio/locust@sha256:0123", CURRENT),
        ("team/checkout-load:1.4.0", CURRENT),
        ("", CURRENT),
    ] {
        assert_eq!(version_of_image(image), version, "{image}");
    }
}

#[test]
fn the_version_is_read_from_what_locust_says_about_itself() {
    let said = "locust 2.47.0 from /usr/lib/python3/site-packages/locust (Python 3.11.7)\n";
    assert_eq!(version_in(said), Some("2.47.0"));
    assert_eq!(
        version_in("warning: x\nlocust 2.31.8 from /x\n"),
        Some("2.31.8")
    );
    assert_eq!(version_in("pyenv: locust: command not found"), None);
}

const LOG: &str = "\
Looking in links: /srv/wheels
Collecting locust==2.47.0
  Downloading locust-2.47.0-py3-none-any.whl.metadata (9.7 kB)
  Downloading locust-2.47.0-py3-none-any.whl (1.5 MB)
Collecting flask>=2.0.0 (from locust==2.47.0)
  Using cached flask-3.1.3-py3-none-any.whl (103 kB)
Collecting python-socketio[client]>=5.13.0 (from locust==2.47.0)
  Downloading python_socketio-5.18.1-py3-none-any.whl (83 kB)
Collecting flask>=3 (from flask-login->locust==2.47.0)
";

#[test]
fn pips_output_is_counted() {
    let mut pip = Pip::default();
    LOG.lines().for_each(|line| pip.read(line));
    assert_eq!((pip.found(), pip.downloaded()), (3, 3));
    assert_eq!(pip.to_install(), None);
    pip.read("Installing collected packages: flask, python-socketio, locust");
    assert_eq!(pip.to_install(), Some(3));
}

#[test]
fn the_end_of_pips_log_is_said_in_one_line() {
    let no_version = "\
ERROR: Could not find a version that satisfies the requirement locust==9.9.9 (from versions: 2.0)
ERROR: No matching distribution found for locust==9.9.9
";
    assert_eq!(
        complaint(no_version),
        "Could not find a version that satisfies the requirement locust==9.9.9 (from versions: \
         2.0); No matching distribution found for locust==9.9.9"
    );
    let offline = "\
WARNING: Retrying after connection broken by 'NewConnectionError(': Network is unreachable')'
ERROR: No matching distribution found for locust==2.47.0
";
    assert_eq!(
        complaint(offline),
        "the package index cannot be reached; No matching distribution found for locust==2.47.0"
    );
    assert_eq!(complaint("a\n\nb\nc\n"), "b; c");
    assert_eq!(complaint(""), "");
}

#[test]
fn only_a_yes_is_a_yes() {
    for (answer, expected) in [
        ("\n", true),
        ("y\n", true),
        ("YES\n", true),
        ("n\n", false),
        ("q", false),
    ] {
        assert_eq!(is_yes(answer), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_named_program_that_is_no_locust_is_said_so() {
    let wanted = Wanted {
        program: Some(Path::new("/bin/false")),
        ..wanted(&machine(&[]), Consent::Given)
    };
    let error = find(&wanted).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "/bin/false is no working Locust: it does not say its version"
    );
}

#[test]
fn another_version_than_the_images_is_noted() {
    let locust = existing(Path::new("locust"), "2.31.8".to_owned(), "2.47.0");
    assert_eq!(
        locust.note.as_deref(),
        Some("Locust 2.31.8 (locust) is used; the test's image stands for 2.47.0")
    );
    assert_eq!(
        existing(Path::new("locust"), "2.47.0".to_owned(), "2.47.0").note,
        None
    );
}

/// A machine with these programs, written in shell, and a cache of its own,
/// which goes away with the directory.
struct Scripted {
    machine: Machine,
    directory: tempfile::TempDir,
}

fn machine(programs: &[(&str, &str)]) -> Scripted {
    let directory = tempfile::tempdir().unwrap();
    let bin = directory.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (name, script) in programs {
        write_program(&bin.join(name), &format!("#!/bin/sh\n{script}\n"));
    }
    Scripted {
        machine: Machine {
            path: bin.into(),
            cache: directory.path().join("cache"),
        },
        directory,
    }
}

/// Written by another process: a program that this one still has open for
/// writing, by way of a child of another test, cannot be started.
fn write_program(path: &Path, content: &str) {
    let mut shell = std::process::Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod +x \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(content.as_bytes()).unwrap();
    drop(stdin);
    assert!(shell.wait().unwrap().success());
}

fn wanted(scripted: &Scripted, consent: Consent) -> Wanted<'static> {
    Wanted {
        program: None,
        image: "locustio/locust:2.40.1",
        consent,
        machine: scripted.machine.clone(),
    }
}

/// A Python that makes environments in which `pip` is played by `$1`.
fn python(pip: &str) -> String {
    format!(
        r#"case "$*" in
        -c*) echo 311 ;;
        "-m venv"*)
            mkdir -p "$3/bin" && cat > "$3/bin/python" <<'END'
#!/bin/sh
here=$(dirname "$0")
{pip}
END
            chmod +x "$3/bin/python" ;;
        *) exit 1 ;;
        esac"#
    )
}

const GOOD_PIP: &str = r#"echo "Collecting locust==2.40.1"
echo "Installing collected packages: locust"
echo x >> "$here/../../runs"
printf '#!/bin/sh\necho locust 2.40.1 from here\n' > "$here/locust"
chmod +x "$here/locust""#;

async fn error_of(scripted: &Scripted) -> String {
    let found = find(&wanted(scripted, Consent::Given)).await;
    let cache = scripted.machine.cache.display().to_string();
    found.unwrap_err().to_string().replace(&cache, "CACHE")
}

#[tokio::test]
async fn locust_on_path_is_taken_and_a_broken_one_is_not() {
    let works = machine(&[("locust", "echo locust 2.31.8 from /x")]);
    let locust = find(&wanted(&works, Consent::Given)).await.unwrap();
    assert_eq!(locust.version, "2.31.8");
    assert_eq!(locust.program, works.directory.path().join("bin/locust"));
    let broken = machine(&[
        (
            "locust",
            "echo 'pyenv: locust: command not found' >&2; exit 127",
        ),
        ("python3", &python(GOOD_PIP)),
    ]);
    let locust = find(&wanted(&broken, Consent::Given)).await.unwrap();
    assert_eq!(locust.version, "2.40.1");
    assert!(locust.program.starts_with(&broken.machine.cache));
}

#[tokio::test]
async fn an_installation_is_made_once_and_again_when_it_was_broken_off() {
    let scripted = machine(&[("python3", &python(GOOD_PIP))]);
    let both = wanted(&scripted, Consent::Given);
    let (first, second) = tokio::join!(find(&both), find(&both));
    assert_eq!(first.unwrap(), second.unwrap());
    let cache = scripted.machine.cache.join("locust-operator/locust");
    let runs = || {
        std::fs::read_to_string(cache.join("runs"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(runs(), 1);
    let nobody = Consent::Ask {
        retry: String::new(),
    };
    find(&wanted(&scripted, nobody)).await.unwrap();
    assert_eq!(runs(), 1);
    std::fs::remove_file(cache.join("2.40.1-py311/complete")).unwrap();
    find(&both).await.unwrap();
    assert_eq!(runs(), 2);
}

#[tokio::test]
async fn nothing_is_installed_without_a_yes() {
    let scripted = machine(&[("python3", &python(GOOD_PIP))]);
    let retry = "locust-operator local a.yaml --yes".to_owned();
    let error = find(&wanted(&scripted, Consent::Ask { retry })).await;
    let cache = scripted.machine.cache.display().to_string();
    assert_eq!(
        error.unwrap_err().to_string().replace(&cache, "CACHE"),
        "Locust is not installed; to install Locust 2.40.1 from PyPI into \
         CACHE/locust-operator/locust/2.40.1-py311, run: locust-operator local a.yaml --yes \
         (or name an installed one with --locust PATH)"
    );
    assert!(!scripted.machine.cache.exists());
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_package_that_has_it() {
    assert_eq!(
        error_of(&machine(&[])).await,
        "installing Locust 2.40.1 needs Python: python3 was not found on PATH (Debian, Ubuntu: \
         apt install python3-venv)"
    );
    let bare = "case $1 in -c) echo 311 ;; *) exit 1 ;; esac";
    assert_eq!(
        error_of(&machine(&[("python3", bare)])).await,
        "installing Locust 2.40.1 needs Python's venv or pip module, and this Python has neither \
         (Debian, Ubuntu: apt install python3-venv)"
    );
}

#[tokio::test]
async fn without_venv_pip_installs_into_a_directory() {
    // Plays `pip install --target DIRECTORY`, and the interpreter of the
    // launcher that finds the packages there.
    let script = r#"case "$*" in
        -c*) echo 311 ;;
        "-m venv"*) mkdir -p "$3/half-made"; exit 1 ;;
        "-m pip --version") ;;
        "-m pip install --target"*) echo "$5" > "$5/where" ;;
        */bin/locust\ --version) echo "locust 2.40.1 from $(cat "${1%/bin/locust}/library/where")" ;;
        *) exit 1 ;;
        esac"#;
    let scripted = machine(&[("python3", script)]);
    let locust = find(&wanted(&scripted, Consent::Given)).await.unwrap();
    let launcher = std::fs::read_to_string(&locust.program).unwrap();
    assert!(launcher.contains("'library'"), "{launcher}");
    let directory = locust.program.ancestors().nth(2).unwrap();
    assert!(!directory.join("half-made").exists());
}

#[tokio::test]
async fn a_pip_that_fails_is_quoted_in_one_line() {
    let pip = "echo Collecting locust==2.40.1\necho 'ERROR: No matching distribution' >&2\nexit 1";
    let scripted = machine(&[("python3", &python(pip))]);
    assert_eq!(
        error_of(&scripted).await,
        "installing Locust 2.40.1: pip failed: No matching distribution (all of it: \
         CACHE/locust-operator/locust/2.40.1-py311.log)"
    );
}

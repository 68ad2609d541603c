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
        image: "locustio/locust:2.47.0",
        consent: Consent::Given,
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

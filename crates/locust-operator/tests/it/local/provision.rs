//! Locust comes from PyPI into the user's cache, once.

use std::path::Path;
use std::process::Command;

use locust_operator::local::locust::{CURRENT, Consent, Machine, Wanted, find};

fn wanted(consent: Consent) -> Wanted<'static> {
    Wanted {
        program: None,
        image: "locustio/locust:2.47.0",
        consent,
        machine: Machine::of_environment(),
    }
}

/// Two installers at once, in processes of their own, and a third that finds
/// Locust in place.
///
/// The cache is the user's own: the first run on a machine installs, and later
/// ones show that what is there is used.
#[tokio::test]
async fn locust_is_installed_from_pypi_once_for_all() {
    let given = wanted(Consent::Given);
    let (first, second) = tokio::join!(find(&given), find(&given));
    let (first, second) = (first.expect("Locust"), second.expect("Locust"));
    assert_eq!(first, second);
    let said = Command::new(&first.program)
        .arg("--version")
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains(&format!("locust {}", first.version)),
        "{said}"
    );
    if is_on_path() {
        return;
    }
    assert_eq!(first.version, CURRENT);
    // Nothing is asked for what is there already.
    let retry = String::new();
    let third = find(&wanted(Consent::Ask { retry })).await.expect("Locust");
    assert_eq!(third, first);
}

fn is_on_path() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| Path::new(&directory).join("locust").exists())
}

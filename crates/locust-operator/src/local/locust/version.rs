//! The version of Locust that an image stands for.

use locust_core::locust::version::in_tag;

/// The version for images whose tag names none: `latest`, a digest, one's own.
pub const CURRENT: &str = "2.47.0";

/// The Locust version of an image: that of a tag like `2.47.0`, also with
/// something behind it (`2.47.0-python3.12`), otherwise [`CURRENT`].
///
/// A tag is trusted as a version only for images called `locust` or
/// `locust-otel`: `team/checkout-load:1.4.0` numbers the team's tests.
pub fn version_of_image(image: &str) -> &str {
    let (image, _digest) = image.split_once('@').unwrap_or((image, ""));
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        Some(("locust" | "locust-otel", tag)) => in_tag(tag).unwrap_or(CURRENT),
        _ => CURRENT,
    }
}

/// The version in the output of `locust --version`: `locust 2.47.0 from …`.
pub(super) fn version_in(output: &str) -> Option<&str> {
    output.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("locust"))
            .then(|| words.next())
            .flatten()
    })
}

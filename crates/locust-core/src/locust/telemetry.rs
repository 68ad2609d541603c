//! Whether an image can report by OpenTelemetry, told from its name alone.
//!
//! Locust knows `--otel` since 2.42.4, and reports nothing, with one line in
//! its log, where the OpenTelemetry SDK is missing. Of the published images
//! `locustio/locust` lacks the SDK and `locustio/locust-otel` has it. Nothing is
//! said of images that somebody built: their tags number something else.

use std::fmt;

/// What an image lacks for OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Its Locust is too old, by its tag.
    TooOld(String),
    /// It has no OpenTelemetry SDK.
    WithoutSdk,
}

/// The first Locust with `--otel`.
const FIRST: [u32; 3] = [2, 42, 4];

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld(version) => write!(
                f,
                "Locust {version} does not know --otel and ends with an error: use Locust 2.42.4 or newer, in an image with the OpenTelemetry SDK such as locustio/locust-otel"
            ),
            Self::WithoutSdk => f.write_str(
                "the image locustio/locust has no OpenTelemetry SDK, so the test runs and reports nothing: use locustio/locust-otel or an image with locust[otel]",
            ),
        }
    }
}

/// What `image` is known to lack.
pub fn gap(image: &str) -> Option<Gap> {
    let (name, _digest) = image.split_once('@').unwrap_or((image, ""));
    // A colon before the last slash belongs to the registry's port.
    let (path, last) = name.rsplit_once('/')?;
    let (repository, tag) = last.split_once(':').unwrap_or((last, ""));
    let has_sdk = match repository {
        "locust" => false,
        "locust-otel" => true,
        _ => return None,
    };
    if path.rsplit('/').next() != Some("locustio") {
        return None;
    }
    match version(tag) {
        Some(version) if is_older(&version) => Some(Gap::TooOld(dotted(&version))),
        _ if has_sdk => None,
        _ => Some(Gap::WithoutSdk),
    }
}

/// The numbers at the start of a tag: those of `v2.31.8-dev` are 2, 31 and 8.
/// `None` for `latest` and the like.
fn version(tag: &str) -> Option<Vec<u32>> {
    let tag = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let numbers = tag.split(['-', '_', '+']).next().unwrap_or_default();
    let parts: Vec<u32> = numbers
        .split('.')
        .map_while(|part| part.parse().ok())
        .take(FIRST.len())
        .collect();
    (!parts.is_empty()).then_some(parts)
}

/// Whether every version that starts with these numbers is too old: `2` and
/// `2.42` may be new enough.
fn is_older(version: &[u32]) -> bool {
    let first: Vec<u32> = FIRST.into_iter().take(version.len()).collect();
    version < first.as_slice()
}

fn dotted(version: &[u32]) -> String {
    let parts: Vec<String> = version.iter().map(u32::to_string).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::{Gap, gap};

    #[test]
    fn what_an_image_lacks_is_read_off_its_name() {
        let old = |version: &str| Some(Gap::TooOld(version.to_owned()));
        let plain = Some(Gap::WithoutSdk);
        let digest = "sha256:0123456789012345678901234567890123456789012345678901234567890123";
        for (image, expected) in [
            ("locustio/locust", plain.clone()),
            ("locustio/locust:latest", plain.clone()),
            ("locustio/locust:master", plain.clone()),
            ("locustio/locust:2.47.0", plain.clone()),
            ("locustio/locust:2.42.4", plain.clone()),
            ("locustio/locust:2.42.3", old("2.42.3")),
            ("locustio/locust:2.32.0", old("2.32.0")),
            ("locustio/locust:v2.32.0", old("2.32.0")),
            ("locustio/locust:2.32.0-dev", old("2.32.0")),
            ("locustio/locust:2.32.0.dev17", old("2.32.0")),
            ("locustio/locust:1.6", old("1.6")),
            ("locustio/locust:2.31", old("2.31")),
            ("locustio/locust:2", plain.clone()),
            ("locustio/locust:2.42", plain.clone()),
            ("locustio/locust:3.0.0", plain.clone()),
            ("docker.io/locustio/locust:2.31.8", old("2.31.8")),
            ("registry:5000/locustio/locust", plain.clone()),
            ("registry:5000/hub/locustio/locust:2.20.1", old("2.20.1")),
            (&format!("locustio/locust@{digest}"), plain.clone()),
            (
                &format!("localhost:5000/locustio/locust:2.31.8@{digest}"),
                old("2.31.8"),
            ),
            ("locustio/locust-otel", None),
            ("locustio/locust-otel:latest", None),
            ("locustio/locust-otel:2.43.4", None),
            ("locustio/locust-otel:2.40.0", old("2.40.0")),
            (&format!("locustio/locust-otel@{digest}"), None),
            // Somebody's own: no claim, whatever its tag looks like.
            ("locust", None),
            ("locust:2.31.8", None),
            ("registry.example/load/locust:1.0", None),
            ("notlocustio/locust:2.31.8", None),
            ("team/locustio-locust:2.31.8", None),
            ("locustio/locust-custom:2.31.8", None),
            ("registry:5000/locust:2.31.8", None),
            ("", None),
            (":", None),
            ("/", None),
            ("locustio/locust:", plain),
        ] {
            assert_eq!(gap(image), expected, "{image}");
        }
    }
}

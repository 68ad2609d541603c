//! Which Locust it is: by its own page, or by the tag of its image.

use serde::Deserialize;

use super::wire::Scalar;

/// Where the page of the web UI holds what it is made with, as JSON.
const ARGUMENTS: &str = "window.templateArgs = ";
/// Longer than any version.
const MOST_BYTES: usize = 32;
/// The image that Locust's makers publish, whatever mirror it comes from. The
/// tags of others number what they please.
const IMAGE: &str = "locustio/locust";

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    version: Scalar,
}

/// The version that the page of a master's web UI names.
pub fn on_page(page: &[u8]) -> Option<String> {
    let page = String::from_utf8_lossy(page);
    let (_, arguments) = page.split_once(ARGUMENTS)?;
    let mut json = serde_json::Deserializer::from_str(arguments);
    let version = Arguments::deserialize(&mut json).ok()?.version.text();
    is_version(&version).then_some(version)
}

fn is_version(text: &str) -> bool {
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-');
    text.len() <= MOST_BYTES
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(is_fine)
}

/// The version in the tag of Locust's own image. By a digest it is not known:
/// Kubernetes then does not look at the tag.
pub fn of_image(image: &str) -> Option<&str> {
    let (repository, tag) = image.rsplit_once(':')?;
    let rest = repository.strip_suffix(IMAGE)?;
    let is_own = rest.is_empty() || rest.ends_with('/');
    is_own.then(|| in_tag(tag)).flatten()
}

/// `2.47.0` of `2.47.0` and of `2.47.0-master`.
pub fn in_tag(tag: &str) -> Option<&str> {
    let version = tag.split(['-', '_']).next()?;
    let mut parts = 0;
    for part in version.split('.') {
        part.parse::<u32>().ok()?;
        parts += 1;
    }
    (parts == 3 && version.len() <= MOST_BYTES).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::{of_image, on_page};

    #[test]
    fn a_page_names_the_version_among_all_that_it_is_made_with() {
        let page = |arguments: &str| {
            let page = format!(
                "<!doctype html><script>\n window.templateArgs = {arguments}\n window.theme = \"\"</script>"
            );
            on_page(page.as_bytes())
        };
        let arguments = r#"{"extraOptions": {"version": {"version": "9"}}, "host": "\"version\": \"8\"", "version": "2.47.0", "workerCount": 2}"#;
        assert_eq!(page(arguments).as_deref(), Some("2.47.0"));
        let dev = r#"{"version": "2.43.5.dev12+g1a2b3c"}"#;
        assert_eq!(page(dev).as_deref(), Some("2.43.5.dev12+g1a2b3c"));
        for odd in [
            "{}".to_owned(),
            r#"{"version": 2}"#.to_owned(),
            r#"{"version": "<b>"}"#.to_owned(),
            r#"{"version": ""}"#.to_owned(),
            r#"{"version": "2.47.0\n"}"#.to_owned(),
            format!(r#"{{"version": "2{}"}}"#, ".0".repeat(99)),
            "[".repeat(1 << 16),
        ] {
            assert_eq!(page(&odd), None, "{}", odd.get(..40).unwrap_or(&odd));
        }
        assert_eq!(on_page(b"\"version\": \"2.47.0\""), None);
        assert_eq!(on_page(b"\xff\xfe"), None);
    }

    #[test]
    fn only_the_tag_of_locusts_own_image_is_a_version_of_locust() {
        for (image, version) in [
            ("locustio/locust:2.43.3", Some("2.43.3")),
            (
                "mirror.local:5000/hub/locustio/locust:2.47.0-python3.12",
                Some("2.47.0"),
            ),
            ("locustio/locust:latest", None),
            ("locustio/locust", None),
            ("mirror.local:5000/locustio/locust", None),
            ("locustio/locust:2.43.3@sha256:0123", None),
            ("notlocustio/locust:1.4.0", None),
            ("team/locust:1.4.0", None),
        ] {
            assert_eq!(of_image(image), version, "{image}");
        }
    }
}

//! How Kubernetes wants names, labels, keys and paths to be written. Each
//! function says what is wrong, or nothing.

/// A DNS label: the name of a volume.
pub(super) fn label(text: &str) -> Option<&'static str> {
    (text.is_empty() || text.len() > 63 || !is_dns_label(text)).then_some(
        "must have 1 to 63 characters, of lower case letters, digits and dashes, with no dash at either end",
    )
}

/// A DNS subdomain: the name of a ConfigMap or a Secret.
pub(super) fn subdomain(text: &str) -> Option<&'static str> {
    (text.is_empty() || text.len() > 253 || !text.split('.').all(is_dns_label)).then_some(
        "must be the name of an object: lower case letters, digits, dashes and dots, at most 253 characters",
    )
}

/// The name of a label, an annotation or a resource, with or without a prefix.
pub(super) fn qualified_name(text: &str) -> Option<&'static str> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let is_good = prefix.is_none_or(|prefix| subdomain(prefix).is_none())
        && !name.is_empty()
        && name.len() <= 63
        && is_name(name);
    (!is_good).then_some(
        "must be a name of at most 63 letters, digits, dashes, underscores and dots, if need be after a DNS name and a slash",
    )
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Option<&'static str> {
    let is_good = text.is_empty() || (text.len() <= 63 && is_name(text));
    (!is_good).then_some(
        "must be empty or at most 63 letters, digits, dashes, underscores and dots, with a letter or digit at both ends",
    )
}

/// The name of a variable.
pub(super) fn variable(text: &str) -> Option<&'static str> {
    let is_good = !text.is_empty() && text.chars().all(|c| matches!(c, ' '..='~') && c != '=');
    (!is_good).then_some("must be a name of printable ASCII characters without '='")
}

/// A key of a ConfigMap or a Secret.
pub(super) fn config_key(text: &str) -> Option<&'static str> {
    let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_good = !text.is_empty()
        && text.len() <= 253
        && text.chars().all(characters)
        && text != "."
        && !text.starts_with("..");
    (!is_good).then_some("must be a key of letters, digits, dashes, underscores and dots")
}

/// A path below some directory.
pub(super) fn path_below(text: &str) -> Option<&'static str> {
    (text.starts_with('/') || text.split('/').any(|part| part == ".."))
        .then_some("must be a relative path without '..'")
}

/// A path without a step up.
pub(super) fn path_without_backsteps(text: &str) -> Option<&'static str> {
    text.split('/')
        .any(|part| part == "..")
        .then_some("must not contain '..'")
}

fn is_dns_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
}

fn is_name(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(edge)
        && text.ends_with(edge)
        && text
            .chars()
            .all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}

//! Kubernetes' sentences: bounded, freed of what changes from try to try, and
//! read for what is missing.

/// The longest message of one trouble, in characters.
const LONGEST: usize = 300;

/// What a pod waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// A whole object of this kind.
    Object(&'static str),
    /// A key of an object of this kind.
    Key(&'static str),
}

impl Missing {
    /// What to do about it. True because the kubelet tries again by itself.
    pub(super) fn remedy(self) -> String {
        let (verb, kind) = match self {
            Self::Object(kind) => ("Create the", kind),
            Self::Key(kind) => ("Add the key to the", kind),
        };
        format!("{verb} {kind} and the pods will restart automatically.")
    }
}

/// Which ConfigMap, Secret or key a sentence of the kubelet misses.
pub(super) fn missing(sentence: &str) -> Option<Missing> {
    let has = |words: &str| sentence.contains(words);
    let kind = |config_map: &str, secret: &str| {
        has(config_map)
            .then_some("ConfigMap")
            .or_else(|| has(secret).then_some("Secret"))
    };
    if has("couldn't find key") {
        return kind("in ConfigMap ", "in Secret ").map(Missing::Key);
    }
    if has("references non-existent") {
        return kind("config key", "secret key").map(Missing::Key);
    }
    if has("not found") {
        return kind("configmap \"", "secret \"").map(Missing::Object);
    }
    None
}

/// The name of the ConfigMap that a sentence misses.
pub(super) fn missing_config_map(sentence: &str) -> Option<&str> {
    let (_, rest) = sentence.split_once("configmap \"")?;
    let (name, rest) = rest.split_once('"')?;
    rest.trim_start().starts_with("not found").then_some(name)
}

/// One line of bounded length that says the same at each try: without the
/// kubelet's word that it waits a moment, the random name of a pod that was
/// never made, and the note that an event stands for several.
pub(super) fn steady(sentence: &str) -> String {
    let mut words = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    for prefix in ["(combined from similar events): ", "Error creating: "] {
        if let Some(rest) = words.strip_prefix(prefix) {
            words = rest.to_owned();
        }
    }
    if let Some(cause) = after_back_off(&words) {
        words = cause.to_owned();
    }
    if let Some((_, cause)) = words
        .strip_prefix("pods \"")
        .and_then(|rest| rest.split_once("\" is forbidden: "))
    {
        words = cause.to_owned();
    }
    shortened(&words, LONGEST)
}

/// `Back-off pulling image "x": ErrImagePull: why`, from Kubernetes 1.32 on.
fn after_back_off(words: &str) -> Option<&str> {
    let (_, rest) = words
        .strip_prefix("Back-off pulling image ")?
        .split_once(": ")?;
    rest.split_once(": ").map(|(_, cause)| cause)
}

/// At most so many characters, with a mark where it was cut.
pub(super) fn shortened(words: &str, longest: usize) -> String {
    if words.chars().count() <= longest {
        return words.to_owned();
    }
    let start: String = words.chars().take(longest.saturating_sub(1)).collect();
    format!("{start}…")
}

//! Other paths in place of mount paths, for a machine that gives a process no
//! mounts of its own.

/// Where the content of each mount path really is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remap {
    /// Mount path and real path, longest first, so that the innermost counts.
    paths: Vec<(String, String)>,
}

impl Remap {
    /// A remap of `(mount path, real path)` pairs.
    pub fn new(paths: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut paths: Vec<_> = paths.into_iter().collect();
        paths.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Self { paths }
    }

    /// `text` with every mount path replaced, also within lists such as
    /// `PYTHONPATH` and behind `--option=`. A longer name that only begins
    /// alike (`/lotest/src2`) stays, and so does the end of a longer path or
    /// address (`http://host/lotest/src`).
    pub fn apply(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let open = !result.ends_with(is_of_a_path);
            let hit = self
                .paths
                .iter()
                .filter(|_| open)
                .find_map(|(from, to)| rest.strip_prefix(from.as_str()).zip(Some(to)))
                .filter(|(after, _)| !after.starts_with(is_of_a_name));
            rest = if let Some((after, to)) = hit {
                result.push_str(to);
                after
            } else {
                result.push(next);
                rest.get(next.len_utf8()..).unwrap_or_default()
            };
        }
        result
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_of_a_path(c: char) -> bool {
    is_of_a_name(c) || c == '/'
}

//! `$(NAME)` in arguments and values, as Kubernetes replaces it: a name that
//! is not known stays as it is, and `$$` is one `$`.

use std::collections::BTreeMap;

/// Replaces every `$(NAME)` of `text` that `values` knows.
pub(super) fn expand(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = if let Some(escaped) = after.strip_prefix('$') {
            result.push('$');
            escaped
        } else if let Some((name, tail)) = reference(after) {
            match values.get(name) {
                Some(value) => result.push_str(value),
                None => {
                    result.push_str("$(");
                    result.push_str(name);
                    result.push(')');
                }
            }
            tail
        } else {
            result.push('$');
            after
        };
    }
    result.push_str(rest);
    result
}

fn reference(after_dollar: &str) -> Option<(&str, &str)> {
    after_dollar.strip_prefix('(')?.split_once(')')
}

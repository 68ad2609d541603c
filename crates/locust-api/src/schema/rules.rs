//! Rules about several fields at once, each as CEL for the API server and as a
//! function for everybody else. A test on a real API server compares the two.
//!
//! A rule may refuse only what no pod can have. What a pod can have and nobody
//! can have meant is a warning, and stands in `locust-core`.
//!
//! The functions trust the schema's defaults: an absent `target` is `both`.

mod thresholds;
mod volumes;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, ValidationRule,
};

use super::{Problem, at};
use crate::latest::LocustTestSpec;

/// One rule.
pub(super) struct Rule {
    /// Where the schema has it, which is what `self` stands for.
    place: &'static str,
    /// The field below that place that is to blame; empty: the place itself.
    field: &'static str,
    /// What has to hold, in CEL.
    holds: &'static str,
    /// What is said if it does not. It cannot name the entry: the API server
    /// takes no texts of a length that it cannot foretell.
    says: &'static str,
    /// The name or path by which a spec breaks it.
    broken: fn(&LocustTestSpec) -> Option<&str>,
}

impl Rule {
    /// The field to blame, by its whole path.
    fn path(&self) -> String {
        match self.field {
            "" => self.place.to_owned(),
            field => format!("{}.{field}", self.place),
        }
    }
}

/// All rules.
fn all() -> impl Iterator<Item = &'static Rule> {
    [volumes::RULES, thresholds::RULES].into_iter().flatten()
}

/// Gives the rules to the schema.
pub(super) fn set(root: &mut JSONSchemaProps) {
    for rule in all() {
        let Some(schema) = at(root, rule.place) else {
            continue;
        };
        let Rule {
            place: _,
            field,
            holds,
            says,
            broken: _,
        } = rule;
        schema
            .x_kubernetes_validations
            .get_or_insert_default()
            .push(ValidationRule {
                rule: (*holds).to_owned(),
                message: Some((*says).to_owned()),
                field_path: (!field.is_empty()).then(|| format!(".{field}")),
                ..ValidationRule::default()
            });
    }
}

/// What `spec` breaks: the field, what the API server says, and the name or
/// path that it does not tell.
pub fn broken(spec: &LocustTestSpec) -> Vec<(Problem, &str)> {
    let of_rule = |rule: &Rule| {
        let offender = (rule.broken)(spec)?;
        let problem = Problem {
            path: rule.path(),
            message: rule.says.to_owned(),
        };
        Some((problem, offender))
    };
    all().filter_map(of_rule).collect()
}

/// Every rule in words: the field to blame, what is said.
pub fn in_words() -> Vec<(String, &'static str)> {
    all().map(|rule| (rule.path(), rule.says)).collect()
}

/// Where every rule stands, for the test that the place exists.
#[cfg(test)]
pub(super) fn places() -> impl Iterator<Item = (&'static str, String)> {
    all().map(|rule| (rule.place, rule.path()))
}

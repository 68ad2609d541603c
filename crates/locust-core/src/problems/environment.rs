//! Variables, and what the downward API can put into them.

use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector,
};
use locust_api::condition::Reason;
use locust_api::latest::LocustTestSpec;

use super::quantity::Amount;
use super::{Found, Kind, forms};

const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const FILE_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.labels",
    "metadata.annotations",
    "metadata.uid",
];
const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
];

pub(super) fn judge(spec: &LocustTestSpec, found: &mut Found) {
    let mut found = found.of(Reason::InvalidEnvironment);
    if let Some(env) = &spec.env {
        let prefixes = env
            .config_map_refs
            .iter()
            .flatten()
            .map(|source| &source.prefix);
        for (index, prefix) in prefixes.enumerate() {
            let field = format!("spec.env.configMapRefs[{index}].prefix");
            found.check(field, prefix_said(prefix.as_deref()));
        }
        let prefixes = env
            .secret_refs
            .iter()
            .flatten()
            .map(|source| &source.prefix);
        for (index, prefix) in prefixes.enumerate() {
            let field = format!("spec.env.secretRefs[{index}].prefix");
            found.check(field, prefix_said(prefix.as_deref()));
        }
        for (index, source) in env.config_map_refs.iter().flatten().enumerate() {
            let field = format!("spec.env.configMapRefs[{index}].name");
            found.check(field, forms::subdomain(source.name.trim_end_matches('-')));
        }
        for (index, source) in env.secret_refs.iter().flatten().enumerate() {
            let field = format!("spec.env.secretRefs[{index}].name");
            found.check(field, forms::subdomain(source.name.trim_end_matches('-')));
        }
        for (index, entry) in env.variables.iter().flatten().enumerate() {
            variable(&format!("spec.env.variables[{index}]"), entry, &mut found);
        }
    }
    let telemetry = spec
        .observability
        .as_ref()
        .and_then(|observability| observability.open_telemetry.as_ref())
        .filter(|telemetry| telemetry.enabled);
    let extra = telemetry.and_then(|telemetry| telemetry.extra_env_vars.as_ref());
    for name in extra.into_iter().flatten().map(|(name, _)| name) {
        let field = format!("spec.observability.openTelemetry.extraEnvVars.{name}");
        found.check(field, forms::variable(name));
    }
}

fn prefix_said(prefix: Option<&str>) -> Option<&'static str> {
    forms::variable(prefix.filter(|prefix| !prefix.is_empty())?)
}

fn variable(field: &str, entry: &EnvVar, found: &mut Kind<'_>) {
    let EnvVar {
        name,
        value,
        value_from,
    } = entry;
    found.check(format!("{field}.name"), forms::variable(name));
    let Some(source) = value_from else {
        return;
    };
    let field = format!("{field}.valueFrom");
    let EnvVarSource {
        config_map_key_ref,
        field_ref,
        file_key_ref,
        resource_field_ref,
        secret_key_ref,
    } = source;
    let given = [
        config_map_key_ref.is_some(),
        field_ref.is_some(),
        file_key_ref.is_some(),
        resource_field_ref.is_some(),
        secret_key_ref.is_some(),
    ];
    match given.iter().filter(|is_given| **is_given).count() {
        0 => found.add(
            field.as_str(),
            "says nothing: name a source, or leave it out",
        ),
        _ if value.as_ref().is_some_and(|value| !value.is_empty()) => {
            found.add(field.as_str(), "stands beside a value: leave one of them");
        }
        1 => {}
        _ => found.add(field.as_str(), "names several sources: leave one of them"),
    }
    let keys = [
        config_map_key_ref
            .as_ref()
            .map(|source| ("configMapKeyRef", &source.name, &source.key)),
        secret_key_ref
            .as_ref()
            .map(|source| ("secretKeyRef", &source.name, &source.key)),
    ];
    for (kind, name, key) in keys.into_iter().flatten() {
        found.check(format!("{field}.{kind}.name"), forms::subdomain(name));
        found.check(format!("{field}.{kind}.key"), forms::config_key(key));
    }
    if let Some(source) = field_ref {
        pod_field(&format!("{field}.fieldRef"), source, ENV_FIELDS, found);
    }
    if let Some(source) = resource_field_ref {
        resource_field(&format!("{field}.resourceFieldRef"), source, found);
    }
    if let Some(source) = file_key_ref {
        let field = format!("{field}.fileKeyRef");
        found.check(format!("{field}.key"), forms::variable(&source.key));
        found.check(
            format!("{field}.volumeName"),
            forms::label(&source.volume_name),
        );
        found.check(
            format!("{field}.path"),
            forms::path_without_backsteps(&source.path),
        );
    }
}

/// A file of a downward API volume.
pub(super) fn downward_file(field: &str, file: &DownwardAPIVolumeFile, found: &mut Kind<'_>) {
    let DownwardAPIVolumeFile {
        field_ref,
        mode: _,
        path,
        resource_field_ref,
    } = file;
    let is_odd = path.is_empty() || path.starts_with("..");
    found.check(
        format!("{field}.path"),
        forms::path_below(path).or_else(|| is_odd.then_some("must be the path of a file")),
    );
    match (field_ref, resource_field_ref) {
        (Some(_), Some(_)) => found.add(field, "names several sources: leave one of them"),
        (None, None) => found.add(
            field,
            "names no source: give it a fieldRef or resourceFieldRef",
        ),
        (Some(source), None) => {
            pod_field(&format!("{field}.fieldRef"), source, FILE_FIELDS, found);
        }
        (None, Some(source)) => {
            let field = format!("{field}.resourceFieldRef");
            if source.container_name.as_ref().is_none_or(String::is_empty) {
                found.add(format!("{field}.containerName"), "is needed in a volume");
            }
            resource_field(&field, source, found);
        }
    }
}

fn pod_field(field: &str, source: &ObjectFieldSelector, known: &[&str], found: &mut Kind<'_>) {
    let path = source.field_path.as_str();
    let version = source.api_version.as_deref().unwrap_or_default();
    if !matches!(version, "" | "v1") {
        found.add(
            format!("{field}.apiVersion"),
            format!("{version:?} has no pods: write v1"),
        );
    }
    let field = format!("{field}.fieldPath");
    if let Some((list, key)) = subscripted(path) {
        let said = match list {
            "metadata.labels" => forms::qualified_name(key),
            "metadata.annotations" => forms::qualified_name(&key.to_lowercase()),
            _ => Some("takes a subscript only for metadata.labels and metadata.annotations"),
        };
        found.check(field, said);
    } else if !known.contains(&path) {
        let known = known.join(", ");
        found.add(
            field,
            format!("{path:?} cannot be had here; these can: {known}"),
        );
    }
}

/// `metadata.labels` and `a` of `metadata.labels['a']`.
fn subscripted(path: &str) -> Option<(&str, &str)> {
    let (list, key) = path.strip_suffix("']")?.split_once("['")?;
    Some((list, key))
}

fn resource_field(field: &str, source: &ResourceFieldSelector, found: &mut Kind<'_>) {
    let resource = source.resource.as_str();
    let is_huge_pages =
        resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if !RESOURCES.contains(&resource) && !is_huge_pages {
        let known = RESOURCES.join(", ");
        found.add(
            format!("{field}.resource"),
            format!("{resource:?} cannot be had; these can: {known}"),
        );
    }
    if let Some(divisor) = &source.divisor
        && !can_divide(resource, &divisor.0)
    {
        found.add(
            format!("{field}.divisor"),
            "must be 1 or 1m for cpu, else 1 with or without a unit from k to E or Ki to Ei",
        );
    }
}

/// The API server compares what it makes of the text, which is 1 for 1000m, but
/// keeps an exponent or a plus sign.
fn can_divide(resource: &str, divisor: &str) -> bool {
    let (binary, decimal): (&[&str], &[&str]) = match resource {
        "limits.cpu" | "requests.cpu" => (&[], &["1", "1m"]),
        _ => (
            &["1", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
            &["1", "1k", "1M", "1G", "1T", "1P", "1E"],
        ),
    };
    let units = match divisor.ends_with('i') {
        true => binary,
        false => decimal,
    };
    let is_exponent = divisor
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .ends_with(['e', 'E', '+', '-']);
    let is_kept = divisor.starts_with('+') || is_exponent && !divisor.ends_with('E');
    Amount::of(divisor).is_some_and(|amount| {
        let fits = |unit: &&str| Amount::of(unit) == Some(amount);
        amount.is_zero() || !is_kept && units.iter().any(fits)
    })
}

//! Where the full results are to be stored.

use locust_api::condition::Reason;
use locust_api::latest::{LocustTestSpec, ResultBucket, ResultStorage, ResultVolume};
use locust_api::names::RESULTS_VOLUME;

use super::{Found, Kind, forms};

pub(super) fn judge(spec: &LocustTestSpec, found: &mut Found) {
    let Some(ResultStorage {
        config_map: _,
        persistent_volume_claim: volume,
        s3: bucket,
    }) = &spec.results
    else {
        return;
    };
    let mut found = found.of(Reason::InvalidResults);
    if let Some(volume) = volume {
        judge_volume(volume, spec, &mut found);
    }
    if let Some(bucket) = bucket {
        judge_bucket(bucket, &mut found);
    }
}

fn judge_volume(volume: &ResultVolume, spec: &LocustTestSpec, found: &mut Kind<'_>) {
    let ResultVolume {
        claim_name,
        directory,
    } = volume;
    let field = "spec.results.persistentVolumeClaim";
    found.check(format!("{field}.claimName"), forms::subdomain(claim_name));
    let directory = directory.as_deref().unwrap_or_default();
    found.check(format!("{field}.directory"), below(directory));
    let mut volumes = spec.volumes.iter().flatten();
    if volumes.any(|volume| volume.name == RESULTS_VOLUME) {
        found.add(
            "spec.volumes",
            format!("volume name {RESULTS_VOLUME:?} is that of the volume for results: give the volume another name"),
        );
    }
}

fn judge_bucket(bucket: &ResultBucket, found: &mut Kind<'_>) {
    let ResultBucket {
        bucket,
        prefix,
        endpoint,
        region,
        credentials_secret,
        ca_bundle,
    } = bucket;
    let field = |name: &str| format!("spec.results.s3.{name}");
    found.check(field("bucket"), bucket_name(bucket));
    found.check(
        field("prefix"),
        below(prefix.as_deref().unwrap_or_default()),
    );
    found.check(field("endpoint"), endpoint.as_deref().and_then(server));
    found.check(field("region"), region.as_deref().and_then(region_name));
    found.check(
        field("credentialsSecret"),
        forms::subdomain(credentials_secret),
    );
    let is_pem = |text: &&String| text.contains("-----BEGIN CERTIFICATE-----");
    if ca_bundle.as_ref().is_some_and(|text| !is_pem(&text)) {
        found.add(field("caBundle"), "must hold certificates in PEM format");
    }
}

/// A path of which every part is the name of a directory, and a URL's as well.
fn below(path: &str) -> Option<&'static str> {
    let is_name = |part: &str| {
        let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
        !matches!(part, "" | "." | "..") && part.chars().all(characters)
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    (!path.is_empty() && !path.split('/').all(is_name)).then_some(
        "must be a relative path of letters, digits, dashes, underscores, dots and equals signs, without '..'",
    )
}

/// What a bucket can be called, at AWS and elsewhere.
fn bucket_name(name: &str) -> Option<&'static str> {
    let is_good = (3..=63).contains(&name.len()) && forms::subdomain(name).is_none();
    (!is_good)
        .then_some("must have 3 to 63 characters, of lower case letters, digits, dashes and dots")
}

fn region_name(name: &str) -> Option<&'static str> {
    let characters = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (name.is_empty() || !name.chars().all(characters))
        .then_some("must be a region of letters, digits and dashes, such as eu-central-1")
}

/// Only a server: where in it results are put, the protocol says.
fn server(url: &str) -> Option<&'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let characters =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']');
    let is_host = |host: &str| !host.is_empty() && host.chars().all(characters);
    (!rest.is_some_and(|rest| is_host(rest.strip_suffix('/').unwrap_or(rest)))).then_some(
        "must be https:// or http:// and a host, with a port if need be, such as https://minio.example.com:9000",
    )
}

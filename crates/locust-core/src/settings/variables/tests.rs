//! Tests of reading settings from variables.

use super::*;

fn read(variables: &[(&str, &str)]) -> Parsed {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    from_variables(&variables)
}

#[test]
fn nothing_set_means_the_defaults_and_so_do_empty_values() {
    let nothing = read(&[]);
    assert_eq!(nothing.settings, Settings::default());
    assert_eq!(
        read(&[("POD_CPU_LIMIT", ""), ("KAFKA_USERNAME", "")]),
        nothing
    );
}

#[test]
fn a_bad_boolean_or_number_is_a_warning_and_keeps_the_default() {
    let parsed = read(&[
        ("ENABLE_AFFINITY_CR_INJECTION", "yes"),
        ("METRICS_EXPORTER_PORT", "ninety"),
        ("JOB_TTL_SECONDS_AFTER_FINISHED", "x"),
    ]);
    assert_eq!(parsed.settings, Settings::default());
    assert_eq!(
        parsed.warnings,
        [
            "env var METRICS_EXPORTER_PORT has unparseable number value \"ninety\", using default: 9646",
            "env var JOB_TTL_SECONDS_AFTER_FINISHED has unparseable number value \"x\", using default: none",
            "env var ENABLE_AFFINITY_CR_INJECTION has unparseable boolean value \"yes\", using default: false",
        ]
    );
    assert_eq!(parsed.errors, [""; 0]);
}

#[test]
fn all_bad_quantities_and_names_are_told_at_once() {
    let parsed = read(&[
        ("POD_CPU_REQUEST", "garbage"),
        ("WORKER_POD_MEM_LIMIT", "1 Gi"),
        ("DEFAULT_RUNTIME_CLASS_NAME", "gVisor_Sandbox"),
    ]);
    assert_eq!(
        parsed.errors,
        [
            "invalid value for POD_CPU_REQUEST: \"garbage\" is not a valid Kubernetes quantity",
            "invalid value for WORKER_POD_MEM_LIMIT: \"1 Gi\" is not a valid Kubernetes quantity",
            "invalid value for DEFAULT_RUNTIME_CLASS_NAME: \"gVisor_Sandbox\" is not a DNS-1123 subdomain",
        ]
    );
}

#[test]
fn a_value_of_a_role_stands_beside_that_for_both() {
    let parsed = read(&[
        ("MASTER_POD_CPU_REQUEST", "500m"),
        ("JOB_TTL_SECONDS_AFTER_FINISHED", "0"),
    ]);
    let master = &parsed.settings.resources.master;
    assert_eq!(
        master.requests.get("cpu"),
        Some(&Quantity("500m".to_owned()))
    );
    assert_eq!(
        parsed.settings.resources.both,
        Settings::default().resources.both
    );
    assert_eq!(parsed.settings.job_ttl_seconds, Some(0));
}

#[test]
fn quantities_are_those_of_kubernetes() {
    for good in [
        "1", "0.5", ".5", "1.", "100m", "1Gi", "30M", "1e3", "1E-3", "-1", "+2Ki", "5E",
    ] {
        assert!(is_quantity(good), "{good}");
    }
    for bad in [
        "", ".", "1 Gi", "1gi", "1.2.3", "e3", "1e", "0x1", "1KiB", "m",
    ] {
        assert!(!is_quantity(bad), "{bad}");
    }
}

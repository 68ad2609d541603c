//! From what the flags say about webhooks to how they are served, for which it
//! has to be known where the operator is.

use anyhow::bail;
use locust_core::settings::Settings;

use super::rules::webhooks::Webhooks;
use crate::webhook::{Certificates, Options, Own, Served};

/// Where a pod finds the name of its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// How to serve the webhooks, if there is something to serve.
pub(super) fn options(webhooks: Webhooks, settings: &Settings) -> anyhow::Result<Option<Options>> {
    let is_validation_on = webhooks.is_validation_on();
    let Webhooks {
        served,
        port,
        protocols,
        files,
        configuration,
        namespace,
    } = webhooks;
    let Some(served) = served else {
        return Ok(None);
    };
    let namespace = namespace.or_else(|| {
        let namespace = std::fs::read_to_string(NAMESPACE_FILE).ok()?;
        Some(namespace.trim().to_owned())
    });
    let certificates = match (files, namespace) {
        (Some(files), _) => Certificates::Files(files),
        (None, Some(namespace)) => Certificates::Own(Own {
            namespace,
            conversion: served != Served::Validation,
            configuration: is_validation_on.then_some(configuration),
        }),
        (None, None) if is_validation_on => bail!(
            "--enable-webhooks outside a pod needs a certificate: set --webhook-cert-path, or the variable POD_NAMESPACE to the operator's namespace"
        ),
        (None, None) => {
            tracing::info!(
                "versions are not converted here: this is no pod, and neither --webhook-cert-path nor POD_NAMESPACE is set"
            );
            return Ok(None);
        }
    };
    Ok(Some(Options {
        port,
        protocols,
        served,
        certificates,
        settings: settings.clone(),
    }))
}

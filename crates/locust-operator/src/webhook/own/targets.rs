//! What points at this webhook in the cluster: the CRD, which has objects
//! converted, and the webhook configuration, which has them validated. Of both
//! nothing is read but where they point, and nothing is written but whom the
//! API server trusts there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The field manager: what it owns is the caBundle alone.
const MANAGER: &str = "locust-operator-webhook";

/// The CRD's name.
const CRD: &str = "locusttests.locust.io";

/// The CRD as far as it says who converts.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Definition {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: DefinitionSpec,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct DefinitionSpec {
    #[serde(default)]
    conversion: Conversion,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Conversion {
    webhook: Option<ConversionWebhook>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConversionWebhook {
    client_config: Option<ClientConfig>,
}

/// The ValidatingWebhookConfiguration likewise.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Configuration {
    metadata: ObjectMeta,
    #[serde(default)]
    webhooks: Vec<Webhook>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    name: String,
    client_config: ClientConfig,
}

/// Where the API server calls, and whom it trusts there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClientConfig {
    ca_bundle: Option<ByteString>,
    service: Option<ServiceReference>,
    url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
struct ServiceReference {
    name: String,
    namespace: String,
}

macro_rules! resource {
    ($type:ty, $kind:literal, $group:literal, $plural:literal) => {
        impl Resource for $type {
            type DynamicType = ();
            type Scope = ClusterResourceScope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                "v1".into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(
    Definition,
    "CustomResourceDefinition",
    "apiextensions.k8s.io",
    "customresourcedefinitions"
);
resource!(
    Configuration,
    "ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io",
    "validatingwebhookconfigurations"
);

/// Which of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The CRD.
    Definition,
    /// The configuration of this name.
    Configuration(String),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition => write!(f, "customresourcedefinition {CRD}"),
            Self::Configuration(name) => write!(f, "validatingwebhookconfiguration {name}"),
        }
    }
}

/// One of them as it was seen.
#[derive(Clone, Debug)]
pub(super) struct Pointing {
    pub(super) which: Which,
    version: Option<String>,
    /// Names of its webhooks; empty for the CRD.
    webhooks: Vec<String>,
    /// Whom it trusts, if all of it says the same.
    pub(super) bundle: Option<Vec<u8>>,
    /// The names by which it calls.
    pub(super) names: BTreeSet<String>,
}

impl Which {
    /// Its name, for watching it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Definition => CRD,
            Self::Configuration(name) => name,
        }
    }

    /// Reads it; `None` if it does not exist or calls nobody.
    pub(super) async fn read(&self, client: &Client) -> Result<Option<Pointing>, kube::Error> {
        let (metadata, webhooks) = match self {
            Self::Definition => {
                let api = Api::<Definition>::all(client.clone());
                let Some(found) = api.get_opt(CRD).await? else {
                    return Ok(None);
                };
                let webhook = found.spec.conversion.webhook;
                let config = webhook.and_then(|webhook| webhook.client_config);
                let webhooks: Vec<_> = config.into_iter().map(|it| (None, it)).collect();
                (found.metadata, webhooks)
            }
            Self::Configuration(name) => {
                let api = Api::<Configuration>::all(client.clone());
                let Some(found) = api.get_opt(name).await? else {
                    return Ok(None);
                };
                let webhooks = found.webhooks.into_iter();
                let webhooks = webhooks.map(|it| (Some(it.name), it.client_config));
                (found.metadata, webhooks.collect())
            }
        };
        Ok(Pointing::of(self, metadata, webhooks))
    }

    fn api_version(&self) -> Cow<'static, str> {
        match self {
            Self::Definition => Definition::api_version(&()),
            Self::Configuration(_) => Configuration::api_version(&()),
        }
    }
}

impl Pointing {
    fn of(
        which: &Which,
        metadata: ObjectMeta,
        webhooks: Vec<(Option<String>, ClientConfig)>,
    ) -> Option<Self> {
        let first = webhooks
            .first()
            .map(|(_, config)| config.ca_bundle.clone())?;
        let is_one = webhooks.iter().all(|(_, config)| config.ca_bundle == first);
        let names = webhooks.iter().filter_map(|(_, config)| config.names());
        Some(Self {
            which: which.clone(),
            version: metadata.resource_version,
            names: names.flatten().collect(),
            bundle: first.filter(|_| is_one).map(|ByteString(bytes)| bytes),
            webhooks: webhooks.into_iter().filter_map(|(name, _)| name).collect(),
        })
    }

    /// Lets it trust `bundle`, if nobody changed it since it was seen.
    pub(super) async fn publish(&self, client: &Client, bundle: String) -> Result<(), kube::Error> {
        let config = json!({"caBundle": ByteString(bundle.into_bytes())});
        let kind = match self.which {
            Which::Definition => Definition::kind(&()),
            Which::Configuration(_) => Configuration::kind(&()),
        };
        let mut applied = json!({
            "apiVersion": self.which.api_version(),
            "kind": kind,
            "metadata": {"name": self.which.name(), "resourceVersion": self.version},
        });
        let params = PatchParams::apply(MANAGER).force();
        match &self.which {
            Which::Definition => {
                set(
                    &mut applied,
                    "spec",
                    json!({"conversion": {"webhook": {"clientConfig": config}}}),
                );
                let api = Api::<Definition>::all(client.clone());
                api.patch(CRD, &params, &Patch::Apply(applied)).await?;
            }
            Which::Configuration(name) => {
                let webhooks = self.webhooks.iter();
                let webhooks = webhooks.map(|name| json!({"name": name, "clientConfig": config}));
                set(&mut applied, "webhooks", webhooks.collect());
                let api = Api::<Configuration>::all(client.clone());
                api.patch(name, &params, &Patch::Apply(applied)).await?;
            }
        }
        Ok(())
    }
}

fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), value);
    }
}

impl ClientConfig {
    /// By which names it calls.
    fn names(&self) -> Option<Vec<String>> {
        if let Some(ServiceReference { name, namespace }) = &self.service {
            let short = format!("{name}.{namespace}.svc");
            let long = format!("{short}.cluster.local");
            return Some(vec![short, long]);
        }
        let url: hyper::Uri = self.url.as_ref()?.parse().ok()?;
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']');
        Some(vec![host.to_owned()])
    }
}

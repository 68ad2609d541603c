//! Notices when the Secret, the CRD or the webhook configuration is changed,
//! so that none has to be asked again and again. Only metadata is sent.

use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::targets::{Configuration, Definition, Which};
use super::{Own, secret};

/// Seconds after which the server ends a watch, so that one that has gone
/// silent is noticed.
const WATCH_SECONDS: u32 = 60;

/// Watches until the answer is dropped.
pub(super) fn watch(own: &Own, client: &Client, changed: &Arc<Notify>) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    let secrets: Api<PartialObjectMeta<Secret>> = Api::namespaced(client.clone(), &own.namespace);
    watches.spawn(notice(secrets, secret::NAME.to_owned(), changed.clone()));
    for which in own.targets() {
        let name = which.name().to_owned();
        let changed = changed.clone();
        match which {
            Which::Definition => {
                let api = Api::<PartialObjectMeta<Definition>>::all(client.clone());
                watches.spawn(notice(api, name, changed));
            }
            Which::Configuration(_) => {
                let api = Api::<PartialObjectMeta<Configuration>>::all(client.clone());
                watches.spawn(notice(api, name, changed));
            }
        }
    }
    watches
}

async fn notice<K>(api: Api<PartialObjectMeta<K>>, name: String, changed: Arc<Notify>)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let one = watcher::Config::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(WATCH_SECONDS);
    watcher(api, one)
        .default_backoff()
        .for_each(|event| {
            match event {
                Ok(_) => changed.notify_one(),
                // What may not be watched is looked at every half minute.
                Err(error) => tracing::debug!(%name, %error, "cannot be watched"),
            }
            std::future::ready(())
        })
        .await;
}

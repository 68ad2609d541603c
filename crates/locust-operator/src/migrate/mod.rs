//! Stores again as v2 what an API server once stored as v1, and has the CRD
//! say so. After that nothing stored needs to be converted to be read.
//!
//! The operator does it by itself when it starts, where it may; `rules.rs`
//! says when there is something to do.

mod rules;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{GetParams, ListParams, Patch, PatchParams, Request};
use kube::{Api, Client, Resource, ResourceExt};
use locust_api::latest::LocustTest;
use serde_json::json;

use crate::controller::{self, ClientError, Meters, chain, code};
use crate::leader::Term;
use rules::{Definition, Next, next};

const CRD: &str = "locusttests.locust.io";
/// Tests asked for at a time.
const PAGE: u32 = 500;
/// How often it is begun again when somebody changes the CRD meanwhile.
const TRIES: usize = 5;
/// How soon the operator tries again what failed.
const RETRY: Duration = Duration::from_secs(5);

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrated {
    /// Everything was stored as v2 before.
    Nothing,
    /// So many LocustTests were stored again.
    Rewritten(usize),
}

/// What is stored as v1 could not be stored as v2.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no way to the API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The CRD cannot be read.
    #[error("cannot read the CRD {CRD}: install it, and grant get on it")]
    Definition(#[source] Box<kube::Error>),
    /// What is stored as v1 would be read without being converted.
    #[error(
        "there may be LocustTests that are stored as {0}, and the CRD names no webhook that converts them: apply config/default first"
    )]
    NotConverting(String),
    /// The LocustTests cannot be listed.
    #[error("cannot list the LocustTests of all namespaces")]
    List(#[source] Box<kube::Error>),
    /// One of them cannot be stored again.
    #[error("cannot store LocustTest {namespace}/{name} again")]
    Store {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// The CRD's status cannot be changed.
    #[error("cannot note in the status of the CRD {CRD} that all is stored as v2")]
    Note(#[source] Box<kube::Error>),
}

impl MigrateError {
    /// Whether the API server does not let us.
    fn is_forbidden(&self) -> bool {
        match self {
            Self::Definition(source) | Self::List(source) | Self::Note(source) => {
                code(source) == Some(403)
            }
            Self::Store { source, .. } => code(source) == Some(403),
            Self::Client(_) | Self::NotConverting(_) => false,
        }
    }
}

/// Migrates the cluster of a kubeconfig, or of the usual places.
pub async fn migrate(kubeconfig: Option<&Path>) -> Result<Migrated, MigrateError> {
    migrate_with(&controller::connect(kubeconfig, Term::Unlimited, &Meters::default()).await?).await
}

/// The same beside the work of an operator: tried until it is done, or is seen
/// not to be allowed.
pub(crate) async fn beside(client: Client) {
    loop {
        match migrate_with(&client).await {
            Ok(Migrated::Nothing) => return,
            Ok(Migrated::Rewritten(count)) => {
                tracing::info!(count, "LocustTests once stored as v1 are stored as v2 now");
                return;
            }
            Err(error) if error.is_forbidden() => {
                let cause = chain(&error);
                tracing::info!(%cause, "not looking for LocustTests stored as v1; if there can be some, run `locust-operator migrate`");
                return;
            }
            Err(error) => {
                let cause = chain(&error);
                tracing::warn!(%cause, "LocustTests stored as v1 could not be stored as v2, this will be tried again");
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn migrate_with(client: &Client) -> Result<Migrated, MigrateError> {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut rewritten = 0;
    for attempt in 1.. {
        let crd = definition(client)
            .await
            .map_err(|source| MigrateError::Definition(Box::new(source)))?;
        match next(&crd) {
            Next::Nothing => return Ok(Migrated::Nothing),
            Next::Unreadable(version) => return Err(MigrateError::NotConverting(version)),
            Next::Rewrite => {}
        }
        rewritten += rewrite(client).await?;
        // Of this version of the CRD alone: if another one has begun to store
        // v1 meanwhile, that is seen by the conflict.
        let note = json!({
            "metadata": { "resourceVersion": crd.metadata.resource_version },
            "status": { "storedVersions": ["v2"] },
        });
        let noted = crds
            .patch_status(CRD, &PatchParams::default(), &Patch::Merge(note))
            .await;
        match noted {
            Ok(_) => break,
            Err(error) if code(&error) == Some(409) && attempt < TRIES => {}
            Err(error) => return Err(MigrateError::Note(Box::new(error))),
        }
    }
    Ok(Migrated::Rewritten(rewritten))
}

async fn definition(client: &Client) -> Result<Definition, kube::Error> {
    let definitions = Request::new(CustomResourceDefinition::url_path(&(), None));
    let get = definitions.get(CRD, &GetParams::default());
    client
        .request(get.map_err(kube::Error::BuildRequest)?)
        .await
}

/// Has every LocustTest stored again. A patch that changes nothing is stored if
/// what is stored is written in another version, and else not.
async fn rewrite(client: &Client) -> Result<usize, MigrateError> {
    let all: Api<LocustTest> = Api::all(client.clone());
    let mut params = ListParams::default().limit(PAGE);
    let mut count = 0;
    loop {
        let page = all
            .list_metadata(&params)
            .await
            .map_err(|source| MigrateError::List(Box::new(source)))?;
        for test in page.items {
            let (namespace, name) = (test.namespace().unwrap_or_default(), test.name_any());
            let api: Api<LocustTest> = Api::namespaced(client.clone(), &namespace);
            let nothing = Patch::Merge(json!({}));
            match api
                .patch_metadata(&name, &PatchParams::default(), &nothing)
                .await
            {
                Ok(_) => count += 1,
                Err(error) if code(&error) == Some(404) => {}
                Err(error) => {
                    return Err(MigrateError::Store {
                        namespace,
                        name,
                        source: Box::new(error),
                    });
                }
            }
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(count),
        }
    }
}

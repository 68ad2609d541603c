//! A Kubernetes namespace for one test, deleted when the test ends.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use k8s_openapi::api::core::v1;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;

use crate::certs::unique_name;
use crate::client::Network;

const DEADLINE: Duration = Duration::from_secs(30);

/// Deletes its namespace when dropped. Set `TESTKIT_KEEP` to keep it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    network: Network,
    kubeconfig: PathBuf,
    /// Whether a controller manager makes and removes what belongs to it.
    managed: bool,
    deleted: bool,
}

impl Namespace {
    /// Creates a namespace of a new name and waits for its default
    /// ServiceAccount: pods are refused before that exists.
    pub(crate) async fn create(
        network: Network,
        kubeconfig: PathBuf,
        prefix: &str,
        managed: bool,
    ) -> Result<Self> {
        let client = network.kubernetes_client(&kubeconfig).await?;
        let name = unique_name(prefix);
        let namespace = v1::Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            ..v1::Namespace::default()
        };
        Api::<v1::Namespace>::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await
            .with_context(|| format!("create namespace {name}"))?;
        let created = Self {
            name,
            network,
            kubeconfig,
            managed,
            deleted: false,
        };
        if managed {
            created.wait_for_service_account(client).await?;
        }
        Ok(created)
    }

    /// The namespace's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Deletes the namespace and waits until nothing of it is left (without a
    /// controller manager its content stays).
    ///
    /// # Errors
    /// When something in it cannot be deleted within 30 s.
    pub async fn finish(mut self) -> Result<()> {
        self.deleted = true;
        let client = self.network.kubernetes_client(&self.kubeconfig).await?;
        let namespaces: Api<v1::Namespace> = Api::all(client);
        namespaces
            .delete(&self.name, &DeleteParams::default())
            .await
            .with_context(|| format!("delete namespace {}", self.name))?;
        let deadline = Instant::now() + DEADLINE;
        while self.managed && namespaces.get_opt(&self.name).await?.is_some() {
            if Instant::now() > deadline {
                bail!(
                    "namespace {} is still there after {} s",
                    self.name,
                    DEADLINE.as_secs()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn wait_for_service_account(&self, client: Client) -> Result<()> {
        let accounts: Api<v1::ServiceAccount> = Api::namespaced(client, &self.name);
        let deadline = Instant::now() + DEADLINE;
        while accounts.get_opt("default").await?.is_none() {
            if Instant::now() > deadline {
                bail!("namespace {} got no default service account", self.name);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Deletes without the caller's runtime, which may be ending.
    fn delete_now(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let deleting = async {
                let client = self.network.kubernetes_client(&self.kubeconfig).await?;
                Api::<v1::Namespace>::all(client)
                    .delete(&self.name, &DeleteParams::default())
                    .await?;
                anyhow::Ok(())
            };
            tokio::time::timeout(Duration::from_secs(5), deleting).await?
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.deleted || std::env::var_os("TESTKIT_KEEP").is_some() {
            return;
        }
        // A runtime cannot be started on a thread that is inside another one.
        let outcome = std::thread::scope(|scope| {
            scope
                .spawn(|| self.delete_now())
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the thread panicked")))
        });
        if let Err(error) = outcome {
            eprintln!("namespace {} was not deleted: {error:#}", self.name);
        }
    }
}

//! An operator that has Roles in some namespaces and no right on the cluster. It
//! elects a leader with the Role that it has in its own.

use std::path::Path;

use anyhow::{Context, Result};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt};
use locust_api::latest::Phase;
use testkit::ControlPlane;
use testkit::audit::AuditEvent;
use testkit::control_plane::Options;

use super::install_crd;
use crate::operator::Operator;
use crate::pods;
use crate::tests_of::{Tests, locust_test};

/// Who the operator of `config/` is.
const SYSTEM_NAMESPACE: &str = "locust-k8s-operator-system";
const SERVICE_ACCOUNT: &str = "locust-k8s-operator-controller-manager";

/// Notes every call, reads too.
const EVERY_CALL: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [{"level": "Metadata"}]
}
"#;

#[tokio::test]
async fn roles_in_the_watched_namespaces_are_enough() -> Result<()> {
    let policy = tempfile::NamedTempFile::new()?;
    std::fs::write(policy.path(), EVERY_CALL)?;
    let control_plane = ControlPlane::start(Options {
        api_server_arguments: vec![format!("--audit-policy-file={}", policy.path().display())],
        ..Options::default()
    })
    .await?;
    let client = control_plane.client().await?;
    install_crd(&client).await?;
    let [a, b, c] = [
        control_plane.namespace("watched-a").await?,
        control_plane.namespace("watched-b").await?,
        control_plane.namespace("unwatched").await?,
    ];
    create_account(&client).await?;
    for namespace in [&a, &b] {
        grant(&control_plane, namespace.name()).await?;
    }
    let kubeconfig = control_plane
        .service_account_kubeconfig(SYSTEM_NAMESPACE, SERVICE_ACCOUNT)
        .await?;
    let watched = format!("{},{}", a.name(), b.name());
    grant_election(&control_plane).await?;
    let arguments = [
        "--leader-elect",
        "--enable-conversion=false",
        "--watch-namespaces",
        &watched,
        "--health-probe-bind-address=0",
    ];
    let variables = [("POD_NAMESPACE".to_owned(), SYSTEM_NAMESPACE.to_owned())];
    let variables = variables.into_iter().collect();
    let mut operator = Operator::spawn(&control_plane, &kubeconfig, &arguments, &variables)?;

    let untouched = Tests::new(client.clone(), c.name());
    let created = untouched.create(locust_test("alone", 1)).await?;
    for namespace in [a.name(), b.name()] {
        run_to_the_end(&client, namespace).await?;
    }
    let alone = untouched.api.get("alone").await?;
    assert_eq!(alone.resource_version(), created.resource_version());
    let jobs: Api<Job> = Api::namespaced(client.clone(), c.name());
    assert_eq!(jobs.list(&ListParams::default()).await?.items.len(), 0);

    assert_eq!(operator.terminate().await?, Some(0));
    assert!(
        operator.log().contains("given_back=true"),
        "{}",
        operator.log()
    );

    let user = format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{SERVICE_ACCOUNT}");
    let mut log = control_plane.audit_log()?;
    log.extend(control_plane.audited_reads()?);
    let calls: Vec<&AuditEvent> = log.iter().filter(|call| call.user == user).collect();
    assert!(
        calls.iter().any(|call| call.verb == "list"),
        "no reads noted"
    );
    let forbidden: Vec<_> = calls.iter().filter(|call| call.code == 403).collect();
    assert!(forbidden.is_empty(), "{forbidden:#?}\n{}", operator.log());
    let beyond: Vec<_> = calls
        .iter()
        .filter(|call| !is_about_election(call))
        .filter(|call| ![a.name(), b.name()].contains(&call.namespace.as_str()))
        .collect();
    assert!(beyond.is_empty(), "{beyond:#?}");
    Ok(())
}

/// Gives the operator's account the rights of `config/namespaced` in a
/// namespace, as a user would.
async fn grant(control_plane: &ControlPlane, namespace: &str) -> Result<()> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/namespaced/access");
    let tree = tree.to_string_lossy();
    control_plane
        .kubectl(&["apply", "--kustomize", &tree, "--namespace", namespace])
        .await
        .context("apply config/namespaced/access")?;
    Ok(())
}

/// The same in its own namespace, with the Role for the election.
async fn grant_election(control_plane: &ControlPlane) -> Result<()> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rbac");
    for (file, is_binding) in [
        ("leader_election_role.yaml", false),
        ("leader_election_role_binding.yaml", true),
    ] {
        let manifest = std::fs::read_to_string(tree.join(file))?;
        // What config/default adds to names.
        let mut manifest = manifest.replace(
            "namespace: system",
            &format!("namespace: {SYSTEM_NAMESPACE}"),
        );
        if is_binding {
            manifest = manifest.replace(
                "name: controller-manager",
                &format!("name: {SERVICE_ACCOUNT}"),
            );
        }
        let named = tempfile::NamedTempFile::new()?;
        std::fs::write(named.path(), manifest)?;
        control_plane
            .kubectl(&["apply", "--filename", &named.path().to_string_lossy()])
            .await
            .context(file)?;
    }
    Ok(())
}

fn is_about_election(call: &AuditEvent) -> bool {
    let is_kind = ["leases", "events"].contains(&&*call.resource);
    call.namespace == SYSTEM_NAMESPACE && is_kind
}

async fn create_account(client: &Client) -> Result<()> {
    let metadata = |name: &str| ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    let namespace = Namespace {
        metadata: metadata(SYSTEM_NAMESPACE),
        ..Namespace::default()
    };
    Api::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    let account = ServiceAccount {
        metadata: metadata(SERVICE_ACCOUNT),
        ..ServiceAccount::default()
    };
    Api::namespaced(client.clone(), SYSTEM_NAMESPACE)
        .create(&PostParams::default(), &account)
        .await?;
    Ok(())
}

async fn run_to_the_end(client: &Client, namespace: &str) -> Result<()> {
    let tests = Tests::new(client.clone(), namespace);
    tests.create(locust_test("near", 1)).await?;
    pods::put(client, namespace, "near-worker", 1, "Running").await?;
    pods::put(client, namespace, "near-master", 1, "Running").await?;
    tests.wait_for("near", &[Phase::Running]).await?;
    pods::put(client, namespace, "near-master", 1, "Succeeded").await?;
    tests.wait_for("near", &[Phase::Succeeded]).await?;
    Ok(())
}

//! What the operator's `/metrics` tells of runs, and to whom.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleRef, Subject};
use kube::Client;
use kube::api::{ObjectMeta, PostParams};

use super::*;

/// The role of `config/metrics`.
const READER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/metrics/reader_role.yaml"
);

/// An address of the cluster's loopback that no other test has.
fn address() -> SocketAddr {
    let [.., b, c, d] = RandomState::new().hash_one(0).to_be_bytes();
    let address = Ipv4Addr::new(127, b.max(1), c, d.clamp(1, 254));
    SocketAddr::new(address.into(), 8443)
}

/// A stage whose operator serves metrics there.
async fn stage(prefix: &str, address: SocketAddr, further: &[&str]) -> Result<Stage> {
    let world = World::new(prefix).await?;
    let user = format!("{prefix}-{}", std::process::id());
    let control_plane = &world.control_plane;
    let kubeconfig = control_plane.user_kubeconfig(&user, Some("system:masters"))?;
    let bind = format!("--metrics-bind-address={address}");
    let further = [&[bind.as_str()], further].concat();
    let namespace = world.namespace.name();
    let operator = Operator::start_also_with(control_plane, &kubeconfig, namespace, &further)?;
    let tests = Tests::new(world.client.clone(), namespace);
    Ok(Stage {
        world,
        operator,
        tests,
    })
}

#[tokio::test]
async fn metrics_tell_of_a_run_until_its_end() -> Result<()> {
    let address = address();
    let stage = stage("metrics", address, &["--metrics-secure=false"]).await?;
    let network = stage.world.control_plane.network().clone();
    let namespace = stage.world.namespace.name();
    let url = format!("http://{address}/metrics");
    let scraped = async |what: &str, holds: &dyn Fn(&str) -> bool| {
        let scraped = until(what, async || {
            let scraped = network.http_get(&url).await.ok();
            let text = scraped.filter(|(status, _)| status.as_u16() == 200);
            Ok(text.map(|(_, text)| text).filter(|text| holds(text)))
        })
        .await;
        scraped.with_context(|| stage.operator.log())
    };
    let labels = format!("{{namespace=\"{namespace}\",test=\"demo\"");
    let has = |text: &str, line: &str| text.lines().any(|found| found == line);

    let run = stage.run("demo").await?;
    run.says("running", [30, 1000, 85]);
    let users = format!("locust_users{labels}}} 30");
    let text = scraped("the run", &|text| has(text, &users)).await?;
    for line in [
        format!("locust_up{labels}}} 1"),
        format!("locust_running{labels}}} 2"),
        format!("locust_workers_count{labels}}} 2"),
        format!("locust_requests_num_requests{labels},method=\"GET\",name=\"/\"}} 1000"),
        format!("locust_requests_num_failures{labels},method=\"\",name=\"Aggregated\"}} 85"),
        "controller_runtime_max_concurrent_reconciles{controller=\"locusttest\"} 16".to_owned(),
        "controller_runtime_reconcile_errors_total{controller=\"locusttest\"} 0".to_owned(),
        "locust_operator_tests{phase=\"Succeeded\"} 0".to_owned(),
    ] {
        assert!(has(&text, &line), "{line}\n{text}");
    }
    let written = "rest_client_requests_total{code=\"201\",method=\"POST\"} ";
    let looks = "controller_runtime_reconcile_total{controller=\"locusttest\",result=\"";
    let count = "controller_runtime_reconcile_time_seconds_count{controller=\"locusttest\"} ";
    for start in [written, looks, count] {
        assert!(text.contains(start), "{start}\n{text}");
    }
    assert!(!text.contains("leader_election"), "there is none\n{text}");

    run.master.says(Answer::text("<html>"));
    let down = format!("locust_up{labels}}} 0");
    let text = scraped("a master that is down", &|text| has(text, &down)).await?;
    assert!(!text.contains(&format!("locust_users{labels}")), "{text}");

    run.says("stopped", [0, 1350, 90]);
    run.put("worker", 2, "Succeeded").await?;
    run.put("master", 1, "Succeeded").await?;
    stage
        .tests
        .wait_for("demo", &[Phase::Succeeded, Phase::Failed])
        .await?;
    let text = scraped("the end", &|text| !text.contains(&labels)).await?;
    assert!(!text.contains("test=\"demo\""), "{text}");
    assert!(
        has(&text, "locust_operator_tests{phase=\"Running\"} 0"),
        "{text}"
    );
    Ok(())
}

/// A client of the operator's metrics with the token of a new ServiceAccount.
async fn reader(stage: &Stage, name: &str, address: SocketAddr) -> Result<Client> {
    let namespace = stage.world.namespace.name();
    let account = ServiceAccount {
        metadata: named(name),
        ..ServiceAccount::default()
    };
    Api::namespaced(stage.world.client.clone(), namespace)
        .create(&PostParams::default(), &account)
        .await?;
    let control_plane = &stage.world.control_plane;
    let kubeconfig = control_plane
        .service_account_kubeconfig(namespace, name)
        .await?;
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(kubeconfig)?)?;
    // The operator made its certificate itself.
    config["clusters"][0]["cluster"] = serde_json::json!({
        "server": format!("https://{address}"),
        "insecure-skip-tls-verify": true,
    });
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), config.to_string())?;
    control_plane.network().kubernetes_client(file.path()).await
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

/// Binds an account to the role for readers.
async fn bind(stage: &Stage, account: &str) -> Result<()> {
    let (client, namespace) = (&stage.world.client, stage.world.namespace.name());
    let role = std::fs::read_to_string(READER)?;
    let mut role: ClusterRole = serde_saphyr::from_str(&role)?;
    role.metadata = named(namespace);
    let params = PostParams::default();
    Api::all(client.clone()).create(&params, &role).await?;
    let binding = ClusterRoleBinding {
        metadata: named(namespace),
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: namespace.to_owned(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: account.to_owned(),
            namespace: Some(namespace.to_owned()),
            ..Subject::default()
        }]),
    };
    Api::all(client.clone()).create(&params, &binding).await?;
    Ok(())
}

/// The text, or the status of the refusal.
async fn read(client: &Client) -> Result<Result<String, u16>> {
    let request = hyper::Request::get("/metrics").body(Vec::new())?;
    match client.request_text(request).await {
        Ok(text) => Ok(Ok(text)),
        Err(kube::Error::Api(status)) => Ok(Err(status.code)),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn metrics_are_for_those_who_may_in_the_cluster() -> Result<()> {
    let address = address();
    let stage = stage("readers", address, &[]).await?;
    let [reader, other] = [
        reader(&stage, "reader", address).await?,
        reader(&stage, "other", address).await?,
    ];
    bind(&stage, "reader").await?;
    let text = until("the metrics", async || {
        // Until the operator listens, and the binding is known.
        Ok(read(&reader).await.ok().and_then(Result::ok))
    })
    .await
    .with_context(|| stage.operator.log())?;
    assert!(
        text.contains("\ncontroller_runtime_reconcile_total{"),
        "{text}"
    );
    assert_eq!(read(&other).await?, Err(403));
    // An account that is gone is nobody.
    let namespace = stage.world.namespace.name();
    let accounts: Api<ServiceAccount> = Api::namespaced(stage.world.client.clone(), namespace);
    accounts.delete("other", &Default::default()).await?;
    until("its token to be nobody's", async || {
        Ok((read(&other).await? == Err(401)).then_some(()))
    })
    .await
}

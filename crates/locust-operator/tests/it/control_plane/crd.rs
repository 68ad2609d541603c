//! The CRD as a real API server takes it; in `judged` what it then refuses.

mod judged;

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hyper::Request;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    ValidationRule,
};
use kube::Client;
use kube::core::Status;
use serde_json::{Value, json};
use testkit::ControlPlane;
use tokio::time::Instant;

const CRD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/crd/bases/locust.io_locusttests.yaml"
);
const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../config/samples/locust_v2_locusttest.yaml"
);

/// Runs kubectl and gives what it said on both streams.
async fn kubectl(control_plane: &ControlPlane, arguments: &[&str]) -> Result<Output> {
    let mut command = control_plane.command("kubectl");
    command.args(arguments);
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

/// Runs kubectl, which has to succeed and to print no warning.
async fn kubectl_quietly(control_plane: &ControlPlane, arguments: &[&str]) -> Result<String> {
    let output = kubectl(control_plane, arguments).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && said.is_empty(),
        "kubectl {}: {said}",
        arguments.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn install(control_plane: &ControlPlane) -> Result<()> {
    kubectl_quietly(control_plane, &["apply", "--server-side", "-f", CRD]).await?;
    served(control_plane, "locust.io").await
}

/// Waits until LocustTests of `group` are served.
async fn served(control_plane: &ControlPlane, group: &str) -> Result<()> {
    let client = control_plane.client().await?;
    let list = format!("/apis/{group}/v2/locusttests?limit=1");
    until("LocustTests are not served", async || {
        send(&client, "GET", &list, &Value::Null).await.is_ok()
    })
    .await
}

/// Polls until `holds`, and says what does `not` hold after 30 s.
async fn until(not: &str, holds: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        ensure!(Instant::now() < deadline, "{not} after 30 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The CRD under another group, so that a test may change it beside others.
fn crd_of_group(group: &str) -> CustomResourceDefinition {
    let mut crd = locust_api::crd::crd();
    crd.metadata.name = Some(format!("locusttests.{group}"));
    crd.spec.group = group.to_owned();
    crd.spec.names.short_names = None;
    crd
}

/// Applies `crd` from standard input's stand-in, a file.
async fn apply(control_plane: &ControlPlane, crd: &CustomResourceDefinition) -> Result<()> {
    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    serde_json::to_writer(&file, crd)?;
    let path = file.path().to_str().context("a path that is text")?;
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", path];
    kubectl_quietly(control_plane, &apply).await?;
    served(control_plane, &crd.spec.group).await
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Result<Value, Status> {
    let content_type = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", content_type)
        .body(serde_json::to_vec(body).unwrap())
        .unwrap();
    match client.request(request).await {
        Ok(answer) => Ok(answer),
        Err(kube::Error::Api(status)) => Err(*status),
        Err(error) => panic!("{method} {path}: {error}"),
    }
}

fn valid(name: &str) -> Value {
    json!({
        "apiVersion": "locust.io/v2",
        "kind": "LocustTest",
        "metadata": { "name": name },
        "spec": {
            "image": "locustio/locust",
            "master": { "command": "-f a.py" },
            "worker": { "command": "-f a.py", "replicas": 2 },
        },
    })
}

#[tokio::test]
async fn the_crd_is_accepted_by_both_ways_of_apply_without_a_warning() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    // Another group: a client-side apply must not meet the server-side ones.
    let mut crd = locust_api::crd::manifest();
    crd["metadata"]["name"] = json!("locusttests.apply.example.com");
    crd["spec"]["group"] = json!("apply.example.com");
    crd["spec"]["names"]
        .as_object_mut()
        .context("names")?
        .remove("shortNames");
    let file = tempfile::NamedTempFile::with_suffix(".json")?;
    serde_json::to_writer(&file, &crd)?;
    let path = file.path().to_str().context("a path that is text")?;

    let apply = ["apply", "--validate=strict", "-f", path];
    let first = kubectl_quietly(&control_plane, &apply).await?;
    assert!(first.contains("created"), "{first}");
    let second = kubectl_quietly(&control_plane, &apply).await?;
    assert!(second.contains("unchanged"), "{second}");
    kubectl_quietly(
        &control_plane,
        &["apply", "--server-side", "--force-conflicts", "-f", path],
    )
    .await?;
    install(&control_plane).await
}

#[tokio::test]
async fn the_sample_is_accepted_under_strict_validation_and_printed_in_columns() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    install(&control_plane).await?;
    let namespace = control_plane.namespace("crd").await?;
    let apply = [
        "-n",
        namespace.name(),
        "apply",
        "--validate=strict",
        "-f",
        SAMPLE,
    ];
    kubectl_quietly(&control_plane, &apply).await?;
    let again = kubectl_quietly(&control_plane, &apply).await?;
    assert!(again.contains("unchanged"), "{again}");
    let get = ["-n", namespace.name(), "get", "lotest", "-o", "wide"];
    let table = kubectl_quietly(&control_plane, &get).await?;
    let head: Vec<_> = table
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(
        head,
        [
            "NAME",
            "PHASE",
            "WORKERS",
            "CONNECTED",
            "USERS",
            "RPS",
            "FAIL%",
            "P95",
            "VERDICT",
            "REQUESTS",
            "FAILURES",
            "MEDIAN",
            "P99",
            "REMAINING",
            "IMAGE",
            "AGE",
        ]
    );
    assert!(table.contains("locustio/locust:2.47.0"), "{table}");
    namespace.finish().await
}

#[tokio::test]
async fn an_object_stored_before_the_name_rule_can_still_be_reported_on_and_deleted() -> Result<()>
{
    let control_plane = ControlPlane::shared().await?;
    let namespace = control_plane.namespace("crd").await?;
    let client = control_plane.client().await?;
    let group = "longname.example.com";
    let mut crd = crd_of_group(group);
    let rules = {
        let version = crd.spec.versions.first_mut().context("a version")?;
        let schema = version.schema.as_mut().context("a schema")?;
        let root = schema.open_api_v3_schema.as_mut().context("a root")?;
        root.x_kubernetes_validations.take()
    };
    assert!(rules.is_some());
    apply(&control_plane, &crd).await?;

    let name = "n".repeat(57);
    let mut object = valid(&name);
    object["apiVersion"] = json!(format!("{group}/v2"));
    object["metadata"]["finalizers"] = json!(["locust.io/cleanup"]);
    let all = format!(
        "/apis/{group}/v2/namespaces/{}/locusttests",
        namespace.name()
    );
    let one = format!("{all}/{name}");
    let pending = json!({"status": {"phase": "Pending"}});
    send(&client, "POST", &all, &object)
        .await
        .map_err(refused)?;
    send(&client, "PATCH", &format!("{one}/status"), &pending)
        .await
        .map_err(refused)?;

    apply(&control_plane, &crd_of_group(group)).await?;
    rule_holds(&client, &all, group).await?;
    let failed = json!({"status": {"phase": "Failed"}});
    send(&client, "PATCH", &format!("{one}/status"), &failed)
        .await
        .map_err(refused)?;
    let released = json!({"metadata": {"finalizers": null}});
    send(&client, "PATCH", &one, &released)
        .await
        .map_err(refused)?;
    send(&client, "DELETE", &one, &json!({}))
        .await
        .map_err(refused)?;
    namespace.finish().await
}

/// Waits until the API server judges by the rule: it takes a changed CRD up a
/// moment after it has stored it.
async fn rule_holds(client: &Client, all: &str, group: &str) -> Result<()> {
    let mut object = valid(&"m".repeat(57));
    object["apiVersion"] = json!(format!("{group}/v2"));
    let create = format!("{all}?dryRun=All");
    until("the name rule does not act", async || {
        send(client, "POST", &create, &object).await.is_err()
    })
    .await
}

fn refused(status: Status) -> anyhow::Error {
    anyhow::anyhow!(status.message)
}

/// Ten times the rules still fit, so they cost at most a tenth of what the API
/// server allows. Only the API server can say so: it has no figure to ask for.
#[tokio::test]
async fn the_rules_cost_at_most_a_tenth_of_the_limit() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    let mut crd = crd_of_group("cost.example.com");
    let version = crd.spec.versions.first_mut().context("a version")?;
    let schema = version.schema.as_mut().context("a schema")?;
    let root = schema.open_api_v3_schema.as_mut().context("a root")?;
    let before = ten_times(root);
    assert!(before > 0, "there are rules");
    apply(&control_plane, &crd).await
}

fn ten_times(schema: &mut JSONSchemaProps) -> usize {
    let rules = schema.x_kubernetes_validations.take().unwrap_or_default();
    let mut count = rules.len();
    let copies = |rule: ValidationRule| {
        (0..10).map(move |copy| ValidationRule {
            rule: format!("({}) && {copy} == {copy}", rule.rule),
            ..rule.clone()
        })
    };
    let tenfold: Vec<_> = rules.into_iter().flat_map(copies).collect();
    schema.x_kubernetes_validations = (!tenfold.is_empty()).then_some(tenfold);
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|all| all.values_mut())
    {
        count += ten_times(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        count += ten_times(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        count += ten_times(values);
    }
    count
}

//! Both versions of the API through a real API server, which has objects
//! converted by an operator; each test on a control plane of its own.

mod finished;
mod lossless;
mod migration;
mod unreachable;

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::core::Status;
use kube::{Api, Client};
use locust_api::crd::{converting, to_manifest};
use serde_json::{Value, json};
use testkit::control_plane::Options;
use testkit::{ControlPlane, Namespace};

use super::install;
use crate::operator::Operator;
use crate::tests_of::until;

const PORT: &str = "9443";
/// LocustTests of v1 to kubectl.
const V1: &str = "locusttests.v1.locust.io";

/// The CRD with conversion by the operator of this control plane.
fn converting_crd() -> Value {
    let config = WebhookClientConfig {
        url: Some(format!("https://127.0.0.1:{PORT}/convert")),
        ..WebhookClientConfig::default()
    };
    to_manifest(&converting(config))
}

/// A control plane where LocustTests are converted, and a namespace for them.
struct World {
    operator: Operator,
    client: Client,
    /// Where the tests are.
    namespace: Namespace,
    control_plane: ControlPlane,
    files: tempfile::TempDir,
    /// Where the operator has its certificates.
    _home: Namespace,
}

impl World {
    /// With an operator that only converts: it looks elsewhere for tests.
    async fn converting() -> Result<Self> {
        Self::start(&converting_crd(), "elsewhere").await
    }

    /// With an operator that also runs the tests.
    async fn running() -> Result<Self> {
        Self::start(&converting_crd(), "tests").await
    }

    async fn start(crd: &Value, watched: &str) -> Result<Self> {
        let control_plane = ControlPlane::start(Options::default()).await?;
        let client = control_plane.client().await?;
        install(&client, crd).await?;
        let namespace = control_plane.namespace("tests").await?;
        let elsewhere = control_plane.namespace("elsewhere").await?;
        let watched = match watched {
            "tests" => namespace.name(),
            _ => elsewhere.name(),
        };
        let arguments = ["--watch-namespaces", watched];
        let operator = operator(&control_plane, elsewhere.name(), &arguments)?;
        let world = Self {
            operator,
            client,
            namespace,
            control_plane,
            files: tempfile::tempdir()?,
            _home: elsewhere,
        };
        world.until_converted().await?;
        Ok(world)
    }

    /// Waits until an object that needs it is converted.
    async fn until_converted(&self) -> Result<()> {
        let probe = crate::tests_of::locust_test("probe", 1);
        // For a moment after a change of the CRD nothing is answered.
        until("objects to be converted", async || {
            let posted = self.send("POST", &self.path("v2", ""), &probe).await?;
            let mut all_read = posted.map_or_else(|status| status.code == 409, |_| true);
            for version in ["v1", "v2"] {
                let list = self.path(version, "");
                all_read &= self.send("GET", &list, &Value::Null).await?.is_ok();
            }
            Ok(all_read.then_some(()))
        })
        .await?;
        let probe = self.path("v2", "probe");
        until("the probe to be gone", async || {
            let deleted = self.send("DELETE", &probe, &Value::Null).await?;
            Ok(deleted
                .is_err_and(|status| status.code == 404)
                .then_some(()))
        })
        .await
    }

    /// Waits until the API server knows no v1.
    async fn until_v1_is_gone(&self) -> Result<()> {
        let list = self.path("v1", "");
        until("v1 to be served no more", async || {
            let answer = self.send("GET", &list, &Value::Null).await?;
            Ok(answer.is_err_and(|status| status.code == 404).then_some(()))
        })
        .await
    }

    fn path(&self, version: &str, name: &str) -> String {
        let namespace = self.namespace.name();
        format!("/apis/locust.io/{version}/namespaces/{namespace}/locusttests/{name}")
            .trim_end_matches('/')
            .to_owned()
    }

    /// What the API server answers.
    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<Result<Value, Status>> {
        let content_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let body = match body.is_null() {
            true => Vec::new(),
            false => serde_json::to_vec(body)?,
        };
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content_type)
            .body(body)?;
        match self.client.request(request).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(kube::Error::Api(status)) => Ok(Err(*status)),
            Err(error) => Err(error).with_context(|| format!("{method} {path}")),
        }
    }

    /// An answer that has to be good. After a change of the CRD the API server
    /// asks to wait for a moment.
    async fn done(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        until("an answer", async || {
            match self.send(method, path, body).await? {
                Ok(answer) => Ok(Some(answer)),
                Err(status) if status.code == 429 => Ok(None),
                Err(status) => anyhow::bail!("{method} {path}: {}", status.message),
            }
        })
        .await
    }

    /// All tests by name, as v2 has them.
    async fn stored(&self) -> Result<BTreeMap<String, Value>> {
        let list = self.done("GET", &self.path("v2", ""), &Value::Null).await?;
        let items = list.get("items").and_then(Value::as_array);
        let named = |item: &Value| {
            let name = item.pointer("/metadata/name").and_then(Value::as_str);
            (name.unwrap_or_default().to_owned(), item.clone())
        };
        Ok(items.into_iter().flatten().map(named).collect())
    }

    /// All tests as kubectl gets them by v1.
    async fn views(&self) -> Result<Vec<Value>> {
        let text = self.kubectl(&["get", V1, "-o", "json"]).await?;
        let mut list: Value = serde_json::from_str(&text)?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => anyhow::bail!("no list: {text}"),
        }
    }

    /// A file with these objects for kubectl.
    fn file(&self, name: &str, objects: &[Value]) -> Result<String> {
        let path = self.files.path().join(format!("{name}.json"));
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        fs::write(&path, list.to_string())?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// What kubectl prints, in the tests' namespace.
    async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_kubectl(arguments, "true").await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "kubectl {}: {said}",
            arguments.join(" ")
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    async fn try_kubectl(&self, arguments: &[&str], editor: &str) -> Result<Output> {
        let mut command = self.control_plane.command("kubectl");
        command
            .args(["-n", self.namespace.name()])
            .args(arguments)
            .env("KUBE_EDITOR", editor);
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// Edits these tests by v1 in an editor that runs `script` of sed.
    async fn edit(&self, names: &[String], script: &str) -> Result<()> {
        let mut arguments = vec!["edit", V1];
        arguments.extend(names.iter().map(String::as_str));
        let editor = format!("sed -i -e '{script}'");
        let output = self.try_kubectl(&arguments, &editor).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl edit: {said}");
        Ok(())
    }

    fn crds(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.client.clone())
    }

    /// Changes the CRD's spec to that of `crd`.
    async fn put_crd(&self, crd: &Value) -> Result<()> {
        let mut spec = crd.get("spec").context("a spec")?.clone();
        if spec.get("conversion").is_none() {
            let fields = spec.as_object_mut().context("fields")?;
            let none = json!({ "strategy": "None", "webhook": null });
            fields.insert("conversion".to_owned(), none);
        }
        let patch = Patch::Merge(json!({ "spec": spec }));
        let name = "locusttests.locust.io";
        self.crds()
            .patch(name, &PatchParams::default(), &patch)
            .await?;
        Ok(())
    }

    async fn stored_versions(&self) -> Result<Vec<String>> {
        let crd = self.crds().get("locusttests.locust.io").await?;
        let status = crd.status.context("a status")?;
        Ok(status.stored_versions.unwrap_or_default())
    }
}

/// An operator with certificates of its own.
fn operator(control_plane: &ControlPlane, home: &str, arguments: &[&str]) -> Result<Operator> {
    let own = ["--health-probe-bind-address=0", "--webhook-port", PORT];
    let arguments = [&own[..], arguments].concat();
    let variables = BTreeMap::from([("POD_NAMESPACE".to_owned(), home.to_owned())]);
    Operator::spawn(
        control_plane,
        &control_plane.kubeconfig(),
        &arguments,
        &variables,
    )
}

/// A v1 object without what only the API server writes.
fn manifest(view: &Value) -> Value {
    let of = |pointer: &str| view.pointer(pointer).cloned().unwrap_or_default();
    json!({
        "apiVersion": "locust.io/v1",
        "kind": "LocustTest",
        "metadata": {
            "name": of("/metadata/name"),
            "namespace": of("/metadata/namespace"),
            "annotations": of("/metadata/annotations"),
        },
        "spec": of("/spec"),
    })
}

fn name_of(object: &Value) -> String {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// An object with `value` at `pointer`, whose parent is there.
fn with(object: &Value, pointer: &str, value: Value) -> Result<Value> {
    let mut object = object.clone();
    let (parent, field) = pointer.rsplit_once('/').context("a pointer")?;
    let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
    parent
        .with_context(|| format!("{pointer} has a parent"))?
        .insert(field.to_owned(), value);
    Ok(object)
}

//! What the trees of `config` install fits together: v1 is served where
//! something converts it, and whoever is called is there.

use std::path::Path;

use super::*;

const TREES: [(&str, bool); 4] = [
    ("crd", false),
    ("default", true),
    ("default-webhook", true),
    ("namespaced", false),
];

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let all = objects.iter();
    all.filter(|object| object["kind"] == kind).collect()
}

/// Whether the Service that a webhook names is installed too, and leads to a
/// port of the operator.
fn is_there(objects: &[Value], service: &Value) -> bool {
    let found = of_kind(objects, "Service").into_iter().find(|object| {
        object["metadata"]["name"] == service["name"]
            && object["metadata"]["namespace"] == service["namespace"]
    });
    let Some(port) = found.map(|service| &service["spec"]["ports"][0]["targetPort"]) else {
        return false;
    };
    let ports =
        of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]["ports"]
            .clone();
    let ports = ports.as_array().cloned().unwrap_or_default();
    ports
        .iter()
        .any(|one| one["name"] == *port && one["containerPort"] == 9443)
}

/// Whether a role says anything about a kind of object.
fn is_granted(objects: &[Value], resource: &str) -> bool {
    let roles = ["Role", "ClusterRole"].map(|kind| of_kind(objects, kind));
    let mut rules = roles.iter().flatten().flat_map(|role| {
        let rules = role["rules"].as_array();
        rules.into_iter().flatten()
    });
    rules.any(|rule| {
        let resources = rule["resources"].as_array();
        resources.is_some_and(|resources| resources.contains(&json!(resource)))
    })
}

#[tokio::test]
async fn no_tree_serves_v1_without_a_webhook_that_is_installed_with_it() -> Result<()> {
    let control_plane = ControlPlane::shared().await?;
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    for (tree, converts) in TREES {
        let path = config.join(tree);
        let built = control_plane
            .kubectl(&["kustomize", &path.to_string_lossy()])
            .await?;
        let objects: Vec<Value> = serde_saphyr::from_multiple(&built)?;
        let crd = of_kind(&objects, "CustomResourceDefinition")[0];
        let versions = crd["spec"]["versions"].as_array().context("versions")?;
        let v1 = versions.iter().find(|version| version["name"] == "v1");
        assert_eq!(v1.context("v1")?["served"], converts, "{tree}");
        let service = &crd["spec"]["conversion"]["webhook"]["clientConfig"]["service"];
        assert_eq!(service.is_object(), converts, "{tree}");
        if converts {
            assert_eq!(service["path"], "/convert", "{tree}");
            assert!(is_there(&objects, service), "{tree}: {service}");
        }
        // A right, a Service or a certificate that serves nothing is only a
        // question to whoever reviews what is installed.
        let services = of_kind(&objects, "Service");
        let services: Vec<_> = services
            .iter()
            .map(|service| &service["metadata"]["name"])
            .collect();
        let expected = match converts {
            true => [
                "locust-k8s-operator-controller-manager-metrics-service",
                "locust-k8s-operator-webhook-service",
            ]
            .as_slice(),
            false => &[],
        };
        assert_eq!(services, expected, "{tree}");
        // Metrics are where the whole cluster is asked who may read them.
        for resource in ["tokenreviews", "subjectaccessreviews"] {
            assert_eq!(is_granted(&objects, resource), converts, "{tree}");
        }
        let flag = json!("--metrics-bind-address=:8443");
        let serves_metrics = of_kind(&objects, "Deployment").iter().any(|deployment| {
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            let arguments = container["args"].as_array();
            arguments.is_some_and(|arguments| arguments.contains(&flag))
        });
        assert_eq!(serves_metrics, converts, "{tree}");
        assert_eq!(is_granted(&objects, "secrets"), converts, "{tree}");
        assert_eq!(
            is_granted(&objects, "customresourcedefinitions"),
            converts,
            "{tree}"
        );
        let validating = of_kind(&objects, "ValidatingWebhookConfiguration");
        assert_eq!(validating.len(), usize::from(tree == "default-webhook"));
        for configuration in validating {
            let webhook = &configuration["webhooks"][0];
            assert!(
                is_there(&objects, &webhook["clientConfig"]["service"]),
                "{tree}"
            );
            assert_eq!(webhook["matchPolicy"], "Equivalent");
            assert_eq!(webhook["rules"][0]["resources"], json!(["locusttests"]));
            assert_eq!(
                webhook["rules"][0]["operations"],
                json!(["CREATE", "UPDATE"])
            );
        }
    }
    Ok(())
}

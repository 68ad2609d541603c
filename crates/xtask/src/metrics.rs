//! `docs/book/reference/metrics.md`, made from the tables of metrics in
//! `locust-core`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use locust_core::metrics::{Described, Family, Outcome, Snapshot, Used, Work, described};

pub(crate) const PAGE: &str = "docs/book/reference/metrics.md";

/// The page as the tables make it.
pub(crate) fn page() -> Result<String> {
    let mut page = String::from(INTRODUCTION);
    for Described { name, help, labels } in described() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        writeln!(page, "| `locust_{name}` | {labels} | {help} |")?;
    }
    page.push_str(ABOUT_RUNS);
    for family in of_operator() {
        let series = family.series.first().context("a family without series")?;
        let labels: Vec<String> = series
            .labels
            .iter()
            .map(|(label, _)| format!("`{label}`"))
            .collect();
        let (kind, labels) = (family.kind.as_str(), labels.join(", "));
        writeln!(
            page,
            "| `{}` | {kind} | {labels} | {} |",
            family.name, family.help
        )?;
    }
    page.push_str(ABOUT_THE_OPERATOR);
    Ok(page)
}

/// What an operator says that has done one of each.
fn of_operator() -> Vec<Family> {
    let mut work = Work::default();
    work.ended(Outcome::Success, Duration::ZERO);
    work.called("GET", "200");
    let snapshot = Snapshot {
        work: &work,
        version: "",
        at_a_time: 1,
        leads: Some(("", true)),
        tests: Some(&BTreeMap::new()),
        used: Used::default(),
    };
    snapshot.families()
}

const INTRODUCTION: &str = "\
# Metrics

<!-- Made from crates/locust-core/src/metrics/ by `make generate`. -->

## Of a run

These are the names of ContainerSolutions' locust_exporter 0.5.0, so that its dashboards (Grafana 11985) go on.
All are gauges, times are in milliseconds, and what is counted is counted since the load began.

| metric | labels | meaning |
|---|---|---|
";

const ABOUT_RUNS: &str = r#"
All endpoints together are one more row, `name="Aggregated"` with an empty `method`: a sum over `name` leaves it out with `name!="Aggregated"`.
A series is there as long as Locust tells of it.
Names of endpoints, errors and workers are cut at 256 bytes, and control characters in them become spaces; if two are then the same, one of them is told of.

Where the exporter no longer understands Locust, the values are what its names mean:

| metric | locust_exporter 0.5.0 | here |
|---|---|---|
| `locust_running` | never 1, because the state `hatching` is called `spawning` since Locust 1.2 | 1 while users are started |
| `locust_workers_hatching_count` | always 0, for the same reason | workers that are starting users |
| `locust_workers_count` | with the workers that are missing | without them |
| `locust_requests_current_response_time_percentile_50`, `_95` | always 0 since Locust 2.15 | what Locust reports |
| `locust_requests_current_rps`, `_current_fail_per_sec` | the last rate for ever, once the load has ended | 0 then |
| `locust_worker_detail` and all with `name` | what has gone is told of for ever | gone |
| `locust_total_scrapes` | described, and never there | how often this exporter was scraped |

## The sidecar

Beside each master runs a sidecar that serves these metrics on port 9646, unless the test uses OpenTelemetry.
`METRICS_EXPORTER_ENABLED=false` turns it off for all tests that do not ask for it, and `spec.observability.metricsExporter: Disabled` (or `Enabled`) decides for one test, whatever else is set: there is then no container, no annotation `prometheus.io/…` and no port `prometheus-metrics` of the Service.
Its image is `METRICS_EXPORTER_IMAGE`, by default that of locust_exporter, as with locust-k8s-operator.
The operator's own image can take its place: started without arguments where `LOCUST_EXPORTER_URI` is set, as the sidecar is, it does what `locust-operator export-metrics` does.

| variable | flag of `export-metrics` | default | meaning |
|---|---|---|---|
| `LOCUST_EXPORTER_URI` | `--locust.uri` | `http://localhost:8089` | where Locust's web UI is; `http` alone |
| `LOCUST_EXPORTER_TIMEOUT` | `--locust.timeout` | `5s` | how long Locust may take to answer |
| `LOCUST_METRIC_NAMESPACE` | `--locust.namespace` | `locust` | what the names begin with |
| `LOCUST_EXPORTER_WEB_LISTEN_ADDRESS` | `--web.listen-address` | `:9646` | where to listen |
| `LOCUST_EXPORTER_WEB_TELEMETRY_PATH` | `--web.telemetry-path` | `/metrics` | the path of the metrics |

Each scrape is one question to Locust, and `locust_up` is 0 if that is not answered with statistics: Locust runs with `--headless`, wants a login, or is not there yet.
A request for `/quitquitquit` ends it.
It also tells of itself: `locust_total_scrapes`, a counter, and `locustexporter_build_info` with the label `version`.

## The operator

With `--metrics-bind-address=:8443`, as in `config/default`, the operator serves `/metrics` itself.
It tells of every run that it follows, under the names above with the labels `namespace` and `test`: nothing has to be scraped in the pods of tests.
Of each run it tells the ten endpoints with the most requests, no errors and no single workers.
They are what the operator heard last, two to five seconds ago; `locust_up` is 0 while the master does not answer, and there are no other series of that run then.
All series of a test end with it.

And it tells of itself:

| metric | kind | labels | meaning |
|---|---|---|---|
"#;

const ABOUT_THE_OPERATOR: &str = r#"
Every replica serves them; `locust_operator_tests` and the runs are told of by the one that works.

### Who may read them

| flags | who | how |
|---|---|---|
| none but the address | whoever may `get` the path `/metrics`: bind them to the ClusterRole `locust-k8s-operator-metrics-reader` | HTTPS, with a certificate that the operator makes at its start and nobody can verify |
| `--metrics-cert-path=DIR` | the same | HTTPS, with the certificate `tls.crt` and the key `tls.key` there, read again when they change |
| `--metrics-secure=false` | anybody | HTTP |

Who asks sends a token as `Authorization: Bearer TOKEN`.
The API server says whose it is and what they may; the operator believes that for a minute, and a refusal for ten seconds.
For that it has `create` on `tokenreviews` and `subjectaccessreviews`, in the whole cluster: `config/namespaced` does without, and so without secure metrics.

With Prometheus' operator, for example:

```yaml
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: locust-k8s-operator
  namespace: locust-k8s-operator-system
spec:
  selector:
    matchLabels:
      control-plane: controller-manager
      app.kubernetes.io/name: locust-k8s-operator
  endpoints:
    - port: https
      scheme: https
      # Else the label namespace of a run is that of the operator.
      honorLabels: true
      bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
      tlsConfig:
        insecureSkipVerify: true
```
"#;

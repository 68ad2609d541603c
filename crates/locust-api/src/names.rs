//! Every name that reaches the cluster: labels, annotations, ports and the
//! names of generated objects. They are a contract with users of the Go
//! operator `locust-k8s-operator`, so none is built anywhere else.

/// Label on every generated object and pod. Its value is [`MANAGED_BY`].
/// The operator watches Jobs, Pods and Services only by this label.
pub const LABEL_MANAGED_BY: &str = "managed-by";
/// Value of [`LABEL_MANAGED_BY`].
pub const MANAGED_BY: &str = "locust-k8s-operator";
/// Label with the LocustTest's name. A user may override it per role.
pub const LABEL_APP: &str = "app";
/// Label with the LocustTest's name. A user may override it per role.
pub const LABEL_TEST_NAME: &str = "performance-test-name";
/// Label with the generated name of the role (`<test>-master`), which the
/// master's Service selects.
pub const LABEL_POD_NAME: &str = "performance-test-pod-name";

/// Label on the ConfigMap with the full results of a LocustTest, with that test's
/// name.
pub const LABEL_RESULTS: &str = "locust.io/results";

/// Annotation on a LocustTest: the UID of the master Job of its one load run.
/// Once it stands, the run has begun and no Job is created again.
pub const ANNOTATION_RUN: &str = "locust.io/run";
/// Annotation on a master Job that this operator holds back (`suspend: true`)
/// until the run is recorded. Its value is the generation of the spec that the
/// Job was made from. Removed by the patch that releases the Job, so
/// that a Job suspended by somebody else is never mistaken for a held one.
pub const ANNOTATION_HELD: &str = "locust.io/held";

/// Annotation on a LocustTest that stops it as `spec.desiredState: Stopped` does,
/// where its value is `true`: v1 has no such field.
pub const ANNOTATION_STOP: &str = "locust.io/stop";

/// Annotation on a LocustTest that is shown in the other version of the API:
/// what that version cannot say. It is taken off on the way back.
pub const ANNOTATION_CONVERSION: &str = "locust.io/conversion-data";
/// Label on the v1 view of a LocustTest whose v2 spec is too large for
/// [`ANNOTATION_CONVERSION`]; its value is the size in bytes. Such a view cannot
/// be written.
pub const LABEL_ONLY_A_VIEW: &str = "locust.io/too-large-for-v1";

/// Finalizer that the Go operator leaves on its objects. Ours sets none and
/// takes this one off.
pub const UPSTREAM_FINALIZER: &str = "locust.io/cleanup";

/// Name of the metrics exporter's container in the master pod.
pub const EXPORTER_CONTAINER: &str = "locust-metrics-exporter";
/// Name of the container in the master pod that stores full results.
pub const RESULTS_CONTAINER: &str = "locust-results";
/// Name of the volume that it writes them to.
pub const RESULTS_VOLUME: &str = "locust-results";
/// Port on which it says what became of them.
pub const RESULTS_PORT: u16 = 9647;
/// Name of the volume with `testFiles.libConfigMapRef`.
pub const LIB_VOLUME: &str = "locust-lib";
/// Prefix of the volumes made for `env.secretMounts`.
pub const SECRET_VOLUME_PREFIX: &str = "secret-";

/// Longest name of a LocustTest: `-master` or `-worker` after it has to leave a
/// Job name of at most 63 characters.
pub const MAX_TEST_NAME: usize = 56;

/// Port on which the master waits for its workers.
pub const MASTER_PORT: u16 = 5557;
/// Second port of old Locust versions, kept for compatibility.
pub const MASTER_BIND_PORT: u16 = 5558;
/// Port of Locust's web UI and API.
pub const WEB_PORT: u16 = 8089;
/// Port that worker containers declare. Nothing listens on it.
pub const WORKER_PORT: u16 = 8080;

/// Who acts in a Locust test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Coordinates the workers, collects the statistics, serves the web UI.
    Master,
    /// Makes the load.
    Worker,
}

impl Role {
    /// The role as it ends generated names: `master` or `worker`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Worker => "worker",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name of the ConfigMap with the full results of the LocustTest `test`.
pub fn results_name(test: &str) -> String {
    format!("{test}-results")
}

/// Name of the Job of `role` of the LocustTest `test`, of its container and of
/// its test files volume; for the master also of its Service.
///
/// Dots become dashes, since Service names may not hold dots. Two LocustTests
/// `a.b` and `a-b` thus want the same names; the second one is told so by the
/// condition reason `NameConflict`.
///
/// ```
/// use locust_api::names::{Role, role_name};
/// assert_eq!(role_name("team-a.load", Role::Master), "team-a-load-master");
/// ```
pub fn role_name(test: &str, role: Role) -> String {
    format!("{}-{role}", test.replace('.', "-"))
}

//! What is looked at of each kind of object. All else is dropped before an
//! object is remembered; whoever looks at one more field, keeps it here.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Container, ContainerStatus, Pod, PodSpec, PodTemplateSpec, Service,
};
use kube::{Resource, ResourceExt};
use locust_api::latest::LocustTest;
use locust_api::names::RESULTS_CONTAINER;

use super::text::Prune;

impl Prune for LocustTest {
    fn prune(&mut self) {
        prune_metadata(self);
    }
}

/// Takes away what tools write down and nobody here reads.
fn prune_metadata<K: ResourceExt>(object: &mut K) {
    object.managed_fields_mut().clear();
    object
        .annotations_mut()
        .remove("kubectl.kubernetes.io/last-applied-configuration");
}

/// Labels are for the API server's selection. Without its version an object is
/// the same as before if nothing changed that is looked at.
fn prune_child<K: ResourceExt>(child: &mut K) {
    prune_metadata(child);
    child.labels_mut().clear();
    child.meta_mut().resource_version = None;
    child.meta_mut().generation = None;
}

impl Prune for Service {
    fn prune(&mut self) {
        prune_child(self);
        self.spec = None;
        self.status = None;
    }
}

impl Prune for Job {
    fn prune(&mut self) {
        prune_child(self);
        self.spec = self.spec.take().map(|spec| JobSpec {
            suspend: spec.suspend,
            parallelism: spec.parallelism,
            completions: spec.completions,
            template: spec
                .template
                .spec
                .and_then(results_sidecar)
                .unwrap_or_default(),
            ..JobSpec::default()
        });
    }
}

/// That there is a sidecar that stores results, if there is one.
fn results_sidecar(pod: PodSpec) -> Option<PodTemplateSpec> {
    let mut sidecars = pod.init_containers.into_iter().flatten();
    let sidecar = sidecars.find(|container| container.name == RESULTS_CONTAINER)?;
    let container = Container {
        name: sidecar.name,
        ..Container::default()
    };
    let spec = PodSpec {
        init_containers: Some(vec![container]),
        ..PodSpec::default()
    };
    Some(PodTemplateSpec {
        metadata: None,
        spec: Some(spec),
    })
}

impl Prune for Pod {
    fn prune(&mut self) {
        prune_child(self);
        self.annotations_mut().clear();
        self.meta_mut().generate_name = None;
        if self.spec.is_some() {
            self.spec = Some(PodSpec::default());
        }
        if let Some(status) = self.status.as_mut() {
            status.host_ips = None;
            status.pod_ips = None;
            let init = status.init_container_statuses.iter_mut().flatten();
            let main = status.container_statuses.iter_mut().flatten();
            init.chain(main).for_each(prune_container);
        }
    }
}

fn prune_container(status: &mut ContainerStatus) {
    status.container_id = None;
    status.image_id = String::new();
    status.resources = None;
    status.allocated_resources = None;
    status.volume_mounts = None;
    status.user = None;
}

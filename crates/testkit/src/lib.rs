//! Development only: real Kubernetes for tests.
//!
//! [`ControlPlane`] is an API server with what belongs to it, ready in
//! seconds; [`Node`] adds a kubelet and containers. Each lives in a
//! [`sandbox`] of its own: nothing can leave the machine, and nothing is left
//! behind when its owner ends, however it ends.

pub mod audit;
pub mod certs;
pub mod client;
pub mod cluster;
pub mod control_plane;
mod etcd;
pub mod forward;
pub mod host;
pub mod kube;
pub mod namespace;
pub mod node;
pub mod proxy;
pub mod sandbox;
mod seed;

pub use audit::AuditEvent;
pub use cluster::Cluster;
pub use control_plane::ControlPlane;
pub use namespace::Namespace;
pub use node::Node;
pub use proxy::FaultProxy;

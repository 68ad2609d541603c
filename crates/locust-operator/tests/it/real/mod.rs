//! Tests against a real Kubernetes.

mod crd;

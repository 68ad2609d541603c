//! Development only: real Kubernetes for tests.

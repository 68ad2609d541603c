//! What Prometheus is told, by HTTP. The metrics themselves are made in
//! `locust_core::metrics`.
//!
//! | file | does |
//! |---|---|
//! | `exporter.rs` | the sidecar of a master: asks Locust once per scrape |

pub(crate) mod exporter;

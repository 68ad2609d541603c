//! The command line: what may be typed. One file per subcommand holds its
//! arguments and the `main` that runs it.

pub mod convert;
pub mod crd;
pub mod demo;
mod ending;
pub mod export_metrics;
pub mod local;
pub mod migrate;
pub mod run;
pub mod store_results;
pub mod target;

use clap::{Parser, Subcommand};

/// Distributed Locust load tests on Kubernetes, and without it.
#[derive(Debug, Parser)]
#[command(name = "locust-operator", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator: reconcile the LocustTests of a cluster.
    Run(Box<run::RunArgs>),
    /// Run LocustTests from files on this machine, without a cluster.
    Local(local::LocalArgs),
    /// Watch a small load test run on this machine.
    Demo(demo::DemoArgs),
    /// Serve a small HTTP target to try load tests against.
    Target(target::TargetArgs),
    /// Serve Locust's numbers to Prometheus, as locust_exporter does.
    ExportMetrics(export_metrics::ExportMetricsArgs),
    /// Store the results of a run in a volume or a bucket, beside its master.
    StoreResults(Box<store_results::StoreResultsArgs>),
    /// Print the CustomResourceDefinition.
    Crd,
    /// Print LocustTests from files in another version of the API.
    Convert(convert::ConvertArgs),
    /// Store again as v2 what an API server once stored as v1.
    Migrate(migrate::MigrateArgs),
    /// Start a process of a local run.
    #[command(name = "__exec", hide = true)]
    Exec(crate::local::launcher::exec::ExecArgs),
}

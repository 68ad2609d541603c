//! `cargo xtask cluster`: the tests' one-node Kubernetes for a person, with the
//! operator deployed in it and a shell. It ends with the shell, and nothing of
//! it remains.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::{Node, node};
use tokio::signal::unix::{SignalKind, signal};

use crate::workspace;

/// The kustomize tree that deploys the operator.
const DEPLOYMENT: &str = "config/default";

/// Arguments of `cargo xtask cluster`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print a kubeconfig for programs of this machine and wait for Ctrl-C
    /// instead of opening a shell.
    #[arg(long)]
    print_kubeconfig: bool,

    /// Do not deploy the operator.
    #[arg(long)]
    bare: bool,

    /// Import this OCI archive as well; may be repeated.
    #[arg(long = "image", value_name = "ARCHIVE")]
    images: Vec<PathBuf>,
}

/// Runs a cluster with the archives that `images` makes until the person has
/// had enough.
pub(crate) fn main(args: &Args, images: impl FnOnce() -> Result<Vec<PathBuf>>) -> Result<()> {
    let mut archives = images()?;
    archives.extend(args.images.iter().cloned());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args, archives))
}

async fn serve(args: &Args, images: Vec<PathBuf>) -> Result<()> {
    report("starting a one-node Kubernetes");
    let node = Node::start(node::Options { images, report }).await?;
    if !args.bare {
        deploy(&node).await?;
    }
    if args.print_kubeconfig || !std::io::stdin().is_terminal() {
        wait_with_kubeconfig(&node).await?;
    } else {
        run_shell(&node).await?;
    }
    report("removing the cluster");
    tokio::task::spawn_blocking(move || drop(node)).await?;
    Ok(())
}

/// One line per step, with the seconds since the first.
fn report(step: &str) {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let elapsed = FIRST.get_or_init(Instant::now).elapsed();
    eprintln!("[{:5.1} s] {step}", elapsed.as_secs_f64());
}

/// Deploys the operator as a user would: from `config/`.
pub(crate) async fn deploy(node: &Node) -> Result<()> {
    report(&format!("deploying the operator from {DEPLOYMENT}"));
    let tree = workspace::root().join(DEPLOYMENT);
    node.kubectl(&["apply", "--kustomize", &tree.to_string_lossy()])
        .await?;
    report("waiting for the operator");
    let available = [
        "wait",
        "--for=condition=Available",
        "--all",
        "--all-namespaces",
        "--timeout=60s",
        "deployment",
    ];
    node.kubectl(&available).await?;
    Ok(())
}

async fn run_shell(node: &Node) -> Result<()> {
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/bash".to_owned());
    report("ready: a shell inside the cluster, with kubectl and helm; `exit` removes the cluster");
    eprintln!("  try: kubectl apply -f examples/quickstart.yaml && kubectl get lotest -w");
    // Ctrl-C belongs to the programs in the shell. Without a listener it would
    // end this process, and with it the cluster.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut child = tokio::process::Command::from(node.command(&shell))
        .spawn()
        .with_context(|| format!("start the shell {shell}"))?;
    loop {
        tokio::select! {
            ended = child.wait() => {
                ended?;
                return Ok(());
            }
            _ = interrupts.recv() => {}
        }
    }
}

/// The API server listens inside the cluster's network: a port of this
/// machine's loopback leads there.
async fn wait_with_kubeconfig(node: &Node) -> Result<()> {
    let api_server = SocketAddr::from((Ipv4Addr::LOCALHOST, 6443));
    let forwarder = node.network().forward(api_server).await?;
    let server = format!("https://{}", forwarder.address());
    let authority = node.pki().path("ca.crt");
    let kubeconfig = node
        .pki()
        .write_kubeconfig("host", "admin", &server, &authority)?;
    report("ready: Ctrl-C removes the cluster");
    println!("export KUBECONFIG={}", kubeconfig.display());
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

//! Sockets of a sandbox, used from outside it. A socket belongs for good to
//! the network namespace of the thread that made it: a short-lived thread
//! enters the namespace and makes it, and this process's runtime does the
//! rest. So a test talks to the API server, and to pods, without being inside.

use std::fs::File;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::Client;
use kube::client::ConfigExt;
use nix::sched::CloneFlags;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::{BoxError, Service, ServiceBuilder};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens sockets in one network namespace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Network {
    namespace: Arc<File>,
}

impl Network {
    /// The network that `namespace` (an open `/proc/PID/ns/net`) refers to.
    #[must_use]
    pub fn new(namespace: File) -> Self {
        Self {
            namespace: Arc::new(namespace),
        }
    }

    /// Connects to an address inside.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or nobody answers within ten
    /// seconds.
    pub async fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        let connecting = self.socket()?.connect(address);
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| anyhow!("nobody answers"))
            .and_then(|connected| connected.map_err(Into::into))
            .with_context(|| format!("connect to {address} in the test cluster"))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Listens at an address inside; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is taken or not one of the cluster's.
    pub fn listen(&self, address: SocketAddr) -> Result<TcpListener> {
        let socket = self.socket()?;
        socket
            .bind(address)
            .with_context(|| format!("listen at {address} in the test cluster"))?;
        Ok(socket.listen(128)?)
    }

    fn socket(&self) -> Result<TcpSocket> {
        let namespace = Arc::clone(&self.namespace);
        std::thread::spawn(move || {
            nix::sched::setns(&*namespace, CloneFlags::CLONE_NEWNET)
                .context("enter the test cluster's network")?;
            TcpSocket::new_v4().context("make a socket")
        })
        .join()
        .map_err(|_| anyhow!("the thread that makes a socket panicked"))?
    }

    /// A client of the API server that `kubeconfig` names.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn kubernetes_client(&self, kubeconfig: &std::path::Path) -> Result<Client> {
        let config = kube::config::Kubeconfig::read_from(kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(config, &Default::default()).await?;
        let https = config.rustls_https_connector_with_connector(self.clone())?;
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(https);
        let service = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .option_layer(config.auth_layer()?)
            .map_err(BoxError::from)
            .service(http);
        Ok(Client::new(service, config.default_namespace))
    }

    /// One GET request to `http://ADDRESS:PORT/…` inside: status and body.
    ///
    /// # Errors
    /// When nobody answers within ten seconds, or not with HTTP.
    pub async fn http_get(&self, url: &str) -> Result<(StatusCode, String)> {
        self.http(Request::get(url).body(Full::default())?).await
    }

    /// The same as a browser sends a form: `name=value&…`.
    ///
    /// # Errors
    /// When nobody answers within ten seconds, or not with HTTP.
    pub async fn http_post_form(&self, url: &str, form: &str) -> Result<(StatusCode, String)> {
        let request = Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form.to_owned()))?;
        self.http(request).await
    }

    async fn http(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String)> {
        let what = format!("{} {} in the test cluster", request.method(), request.uri());
        let fetching = async {
            let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
                .build::<_, Full<Bytes>>(self.clone());
            let response = http.request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        tokio::time::timeout(CONNECT_TIMEOUT, fetching)
            .await
            .map_err(|_| anyhow!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))
            .and_then(|fetched| fetched)
            .context(what)
    }
}

/// As a connector of hyper. Hosts are addresses: the caller's resolver knows
/// no name of the cluster.
impl Service<Uri> for Network {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let network = self.clone();
        Box::pin(async move {
            let stream = network.connect(address_of(&uri)?).await?;
            Ok(TokioIo::new(stream))
        })
    }
}

fn address_of(uri: &Uri) -> Result<SocketAddr> {
    let host = uri.host().with_context(|| format!("{uri} names no host"))?;
    let ip: IpAddr = match host {
        "localhost" => [127, 0, 0, 1].into(),
        _ => host
            .parse()
            .with_context(|| format!("{uri} must name its host by address"))?,
    };
    let default = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    Ok(SocketAddr::new(ip, uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::address_of;

    #[test]
    fn the_port_follows_from_the_scheme_unless_it_is_given() {
        let address = |uri: &str| address_of(&uri.parse().unwrap()).map(|found| found.to_string());
        assert_eq!(address("http://10.244.0.7/x").unwrap(), "10.244.0.7:80");
        assert_eq!(address("https://10.96.0.1").unwrap(), "10.96.0.1:443");
        assert_eq!(address("http://localhost:8089").unwrap(), "127.0.0.1:8089");
        assert_eq!(
            address("http://kubernetes.default")
                .unwrap_err()
                .to_string(),
            "http://kubernetes.default/ must name its host by address"
        );
    }
}

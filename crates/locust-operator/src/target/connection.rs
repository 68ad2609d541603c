//! One client's connection: serves it, and finds out whether the last answer
//! on it was taken.
//!
//! A load test that is cut off leaves answers unread. On Linux a socket that
//! is closed over unread bytes, or that gets bytes after it was closed, makes
//! the other side's connection fail (a TCP reset), while a client that has
//! read everything ends it in good order. So the end of the connection tells
//! what happened to its last answer, and nothing else does: from this side
//! both were sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;

/// How long a reset may be under way after the client's side is closed.
const RESET_GRACE: Duration = Duration::from_millis(100);

/// Serves a connection to its end. True if the client broke it off instead of
/// closing it.
pub(super) async fn serve_connection(stream: TcpStream, router: Router) -> bool {
    // Without it small answers wait for the client's delayed acknowledgement.
    // A connection that is gone already is found out by the first read.
    let _gone = stream.set_nodelay(true);
    let failed = Arc::new(AtomicBool::new(false));
    let watched = Watched {
        stream,
        failed: Arc::clone(&failed),
    };
    // No timer is given, so an idle kept-alive connection is never closed from
    // this side: the load test would see that as an error of the target.
    let ended = http1::Builder::new()
        .serve_connection(TokioIo::new(watched), TowerToHyperService::new(router))
        .without_shutdown()
        .await;
    // hyper takes a failed read between requests for an orderly end, so its
    // own result does not tell.
    if failed.load(Ordering::Relaxed) {
        return true;
    }
    match ended {
        Ok(parts) => is_reset(parts.io.into_inner().stream).await,
        Err(error) => {
            tracing::trace!(%error, "a connection to the target ended early");
            false
        }
    }
}

/// Closes a connection whose client has closed it, or is about to. The answer
/// may have crossed with that: then the reset is still to come.
async fn is_reset(mut stream: TcpStream) -> bool {
    if stream.shutdown().await.is_err() {
        return true;
    }
    let failure = tokio::time::timeout(RESET_GRACE, stream.ready(Interest::ERROR)).await;
    failure.is_ok() && !matches!(stream.take_error(), Ok(None))
}

/// A connection that remembers whether it failed.
struct Watched {
    stream: TcpStream,
    failed: Arc<AtomicBool>,
}

impl Watched {
    fn note<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.failed.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.note(outcome)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

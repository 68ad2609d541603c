//! A stream that goes on while nobody asks for its items.

use std::panic::resume_unwind;

use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Reads a stream from now on, in a task of its own, and keeps its items until
/// they are asked for: as many as come. It is read no longer once what is
/// returned has been dropped.
///
/// The controller asks for tests only when all their children are known; to
/// list ten thousand of them only then would take it half as long again to begin.
pub(super) fn read<T: Send + 'static>(
    items: impl Stream<Item = T> + Send + 'static,
) -> impl Stream<Item = T> + Send + 'static {
    let (sender, receiver) = mpsc::unbounded_channel();
    let reading = items.for_each(move |item| {
        // Nobody to send to: this task is about to be aborted.
        let _ = sender.send(item);
        std::future::ready(())
    });
    let task = AbortOnDropHandle::new(tokio::spawn(reading));
    stream::unfold((receiver, task), |(mut receiver, task)| async {
        match receiver.recv().await {
            Some(item) => Some((item, (receiver, task))),
            None => match task.await {
                Err(ended) if ended.is_panic() => resume_unwind(ended.into_panic()),
                Ok(()) | Err(_) => None,
            },
        }
    })
}

#[cfg(test)]
mod tests;

//! Read ahead, in order, and no longer than somebody wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, StreamExt, stream};

use super::read;

#[tokio::test]
async fn items_are_read_before_they_are_asked_for_and_all_arrive_in_order() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let mut items = Box::pin(read(stream::iter(0..100).inspect(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    })));
    while made.load(Ordering::Relaxed) < 100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        items.by_ref().take(100).collect::<Vec<_>>().await,
        Vec::from_iter(0..100)
    );
    assert_eq!(items.next().await, None);
}

#[tokio::test]
async fn whoever_asks_panics_as_the_reading_did() {
    let items = stream::once(async { panic!("on purpose") }).map(|(): ()| ());
    let asked = Box::pin(read(items)).into_future();
    let panicked = std::panic::AssertUnwindSafe(asked).catch_unwind().await;
    assert!(panicked.is_err());
}

#[tokio::test]
async fn what_is_dropped_is_read_no_longer() {
    let alive = Arc::new(());
    let held = alive.clone();
    let items = read(stream::pending::<()>().inspect(move |_| drop(held.clone())));
    drop(items);
    while Arc::strong_count(&alive) > 1 {
        tokio::task::yield_now().await;
    }
}

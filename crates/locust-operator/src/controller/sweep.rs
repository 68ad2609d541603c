//! Finds LocustTests that no watch has told of.
//!
//! For some seconds after a CRD is established the API server rebuilds its
//! storage: a watch opened before then does not see objects created after it.
//! A list does. So the store is held against lists, often at first and seldom
//! later, and the watch is started anew when something is missing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{ListParams, Request};
use kube::core::ListMeta;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, Resource};
use locust_api::latest::LocustTest;
use serde::Deserialize;
use tokio::sync::watch;

use super::caches::Caches;
use super::reconcile::Context;
use super::scope::Scope;

/// Waits between the first sweeps, in seconds. They only count, for then a
/// starting operator is still reading lists: ten thousand names cost the API
/// server seconds.
const COUNTING_WAITS: [u64; 9] = [1, 1, 2, 3, 4, 4, 4, 4, 4];
/// Waits between the next sweeps, in seconds.
const NAMING_WAITS: [u64; 2] = [10, 20];
/// The wait between all later ones.
const LATER_WAIT: Duration = Duration::from_secs(300);
/// Tests asked for at a time.
const PAGE: u32 = 200;

/// A page of tests.
#[derive(Deserialize)]
struct Page {
    metadata: ListMeta,
    items: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    metadata: Name,
}

/// As much of their metadata as is looked at. Who manages which field is most
/// of it, and ten times as much again as a value.
#[derive(Deserialize)]
struct Name {
    namespace: String,
    name: String,
}

impl Page {
    async fn read(
        client: &Client,
        scope: &Scope,
        params: &ListParams,
    ) -> Result<Self, kube::Error> {
        let tests = Request::new(scope.api::<LocustTest>(client).resource_url());
        let list = tests.list_metadata(params);
        client
            .request(list.map_err(kube::Error::BuildRequest)?)
            .await
    }

    /// What to ask for the next one with, if this is not the last.
    fn next(&self) -> Option<&str> {
        let token = self.metadata.continue_.as_deref();
        token.filter(|token| !token.is_empty())
    }
}

/// The lists of all tests that the watch begins with.
pub(super) struct Listings {
    /// How often one was read to its end.
    pub(super) listed: watch::Receiver<u32>,
    /// Makes the watch begin anew with another.
    pub(super) relist: watch::Sender<u32>,
}

impl Listings {
    /// Waits until there has been one.
    async fn begin(&mut self) {
        // The watch that counts them lives as long as this.
        let _ = self.listed.wait_for(|times| *times > 0).await;
    }

    /// Makes another, and waits for its end: until then the store lacks what
    /// that list is about to bring, and who asked for one more whenever
    /// something is missing would never let a long one come to its end.
    async fn again(&mut self) {
        self.listed.mark_unchanged();
        self.relist
            .send_modify(|count| *count = count.wrapping_add(1));
        let _ = self.listed.changed().await;
    }
}

/// Sweeps for ever.
pub(super) async fn sweep(context: Arc<Context>, scope: Scope, mut listings: Listings) {
    let Context {
        client,
        caches,
        memory,
        pollers,
        ..
    } = context.as_ref();
    let counting = COUNTING_WAITS.map(|wait| (Duration::from_secs(wait), true));
    let naming = NAMING_WAITS.map(|wait| (Duration::from_secs(wait), false));
    let later = std::iter::repeat((LATER_WAIT, false));
    listings.begin().await;
    for (wait, is_counted) in counting.into_iter().chain(naming).chain(later) {
        tokio::time::sleep(wait).await;
        let missing = match is_counted {
            true => missing_by_number(client, &scope, caches).await,
            false => missing_by_name(client, &scope, caches).await,
        };
        match missing {
            Ok(0) => {}
            Ok(missing) => {
                tracing::info!(
                    missing,
                    "LocustTests were found that no watch told of, listing anew"
                );
                listings.again().await;
            }
            Err(error) => tracing::debug!(%error, "sweep failed, the next one will do"),
        }
        let known: HashSet<String> = caches
            .tests
            .state()
            .iter()
            .filter_map(|test| test.meta().uid.clone())
            .collect();
        memory.keep(|uid| known.contains(uid));
        caches.last_seen.keep(|uid| known.contains(uid));
        pollers.keep(|uid| known.contains(uid));
    }
}

/// How many tests the store does not have, where it has another number of them
/// than there are.
async fn missing_by_number(
    client: &Client,
    scope: &Scope,
    caches: &Caches,
) -> Result<usize, kube::Error> {
    if number(client, scope).await? == Some(caches.tests.len()) {
        return Ok(0);
    }
    missing_by_name(client, scope, caches).await
}

/// How many tests there are, if the API server says it.
async fn number(client: &Client, scope: &Scope) -> Result<Option<usize>, kube::Error> {
    let page = Page::read(client, scope, &ListParams::default().limit(1)).await?;
    let remaining = match (page.metadata.remaining_item_count, page.next()) {
        (Some(remaining), _) => usize::try_from(remaining).ok(),
        (None, None) => Some(0),
        (None, Some(_)) => None,
    };
    Ok(remaining.map(|remaining| page.items.len() + remaining))
}

/// How many listed tests the store does not have.
async fn missing_by_name(
    client: &Client,
    scope: &Scope,
    caches: &Caches,
) -> Result<usize, kube::Error> {
    let mut params = ListParams::default().limit(PAGE);
    let mut missing = 0;
    loop {
        let page = Page::read(client, scope, &params).await?;
        let names = page.items.iter().map(|test| &test.metadata);
        missing += names.filter(|name| !is_known(name, caches)).count();
        match page.next() {
            Some(token) => params = params.continue_token(token),
            None => return Ok(missing),
        }
    }
}

fn is_known(Name { namespace, name }: &Name, caches: &Caches) -> bool {
    let test = ObjectRef::new(name).within(namespace);
    caches.tests.get(&test).is_some()
}

#[cfg(test)]
mod tests;

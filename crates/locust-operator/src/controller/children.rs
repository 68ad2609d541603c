//! Objects of one kind, as remembered: each as the packed JSON text of what is
//! looked at. A Job is three kilobytes as a value, even an empty one, a kilobyte
//! as text and a fifth of that packed; and of ten thousand tests nearly all are
//! finished.

use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use k8s_openapi::NamespaceResourceScope;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::packed::{Packed, Packer};
use super::text::{self, Text};

/// What is remembered of one kind. Clones share it.
pub(super) struct Children<K> {
    kept: Arc<RwLock<Kept>>,
    filled: Arc<watch::Sender<bool>>,
    packer: Arc<Packer>,
    controller: fn(&Text<K>) -> Option<Arc<str>>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Children<K> {
    fn clone(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            filled: self.filled.clone(),
            packer: self.packer.clone(),
            controller: self.controller,
            kind: PhantomData,
        }
    }
}

/// `NAMESPACE/NAME`.
type Key = Arc<str>;

#[derive(Default)]
struct Kept {
    objects: HashMap<Key, Object>,
    /// Which objects a controller's UID has. Searching them all for each test
    /// would cost tests times pods.
    by_controller: HashMap<Arc<str>, HashSet<Key>>,
    /// How often everything was listed.
    listings: u32,
}

struct Object {
    packed: Packed,
    controller: Option<Arc<str>>,
    /// Which listing it was last seen in, or after.
    listing: u32,
}

impl<K> Children<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned,
{
    /// Nothing yet, to be found by name.
    pub(super) fn by_name() -> Self {
        Self {
            kept: Arc::default(),
            filled: Arc::new(watch::Sender::new(false)),
            packer: Arc::default(),
            controller: |_| None,
            kind: PhantomData,
        }
    }

    /// The same, to be found by their controller as well.
    pub(super) fn by_controller() -> Self {
        Self {
            controller: controller_of,
            ..Self::by_name()
        }
    }

    /// Waits until everything has been listed once.
    pub(super) async fn filled(&self) {
        // The sender lives as long as this borrow of it.
        let _ = self.filled.subscribe().wait_for(|filled| *filled).await;
    }

    /// The object of a name.
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<K> {
        let kept = self.read();
        self.unpack(kept.objects.get(key(namespace, name).as_ref())?)
    }

    /// All objects with this controller, in the order of their names.
    pub(super) fn controlled_by(&self, uid: &str) -> Vec<K> {
        let kept = self.read();
        let mut keys: Vec<&Key> = kept.by_controller.get(uid).into_iter().flatten().collect();
        keys.sort();
        keys.into_iter()
            .filter_map(|key| self.unpack(kept.objects.get(key)?))
            .collect()
    }

    /// Takes in what a watch says. Returns the objects of which something
    /// changed that is looked at; none while everything is listed for the
    /// first time.
    pub(super) fn absorb(&self, event: Event<Text<K>>) -> Vec<K> {
        match event {
            Event::Init => {
                let mut kept = self.write();
                kept.listings = kept.listings.wrapping_add(1);
                Vec::new()
            }
            Event::Apply(object) | Event::InitApply(object) => {
                let is_news = self.keep(&object) && self.is_filled();
                let changed = is_news.then(|| text::read(object.json()));
                changed.flatten().into_iter().collect()
            }
            Event::Delete(object) => {
                self.write().forget(&key_of(&object));
                text::read(object.json()).into_iter().collect()
            }
            Event::InitDone => {
                self.filled.send_replace(true);
                let gone = self.write().forget_unlisted();
                gone.iter().filter_map(|gone| self.unpack(gone)).collect()
            }
        }
    }

    /// Returns whether the object is not as it was.
    fn keep(&self, object: &Text<K>) -> bool {
        let packed = self.packer.pack(object.json());
        let controller = (self.controller)(object);
        !self.write().keep(key_of(object), packed, controller)
    }

    fn unpack(&self, object: &Object) -> Option<K> {
        text::read(&self.packer.unpack(&object.packed)?)
    }

    fn is_filled(&self) -> bool {
        *self.filled.borrow()
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Returns whether the object is as it was.
    fn keep(&mut self, key: Key, packed: Packed, controller: Option<Arc<str>>) -> bool {
        let old = self.forget(&key);
        let is_same = old.is_some_and(|old| old.packed == packed);
        if let Some(uid) = &controller {
            let siblings = self.by_controller.entry(uid.clone()).or_default();
            siblings.insert(key.clone());
        }
        let listing = self.listings;
        let object = Object {
            packed,
            controller,
            listing,
        };
        self.objects.insert(key, object);
        is_same
    }

    fn forget(&mut self, key: &Key) -> Option<Object> {
        let object = self.objects.remove(key)?;
        if let Some(uid) = &object.controller
            && let Some(siblings) = self.by_controller.get_mut(uid)
        {
            siblings.remove(key);
            if siblings.is_empty() {
                self.by_controller.remove(uid);
            }
        }
        Some(object)
    }

    /// Forgets what the last listing did not have: it is gone.
    fn forget_unlisted(&mut self) -> Vec<Object> {
        let listing = self.listings;
        let gone: Vec<Key> = self
            .objects
            .iter()
            .filter(|(_, object)| object.listing != listing)
            .map(|(key, _)| key.clone())
            .collect();
        gone.iter().filter_map(|key| self.forget(key)).collect()
    }
}

fn key(namespace: &str, name: &str) -> Key {
    format!("{namespace}/{name}").into()
}

fn key_of<K: ResourceExt>(object: &K) -> Key {
    key(&object.namespace().unwrap_or_default(), &object.name_any())
}

fn controller_of<K: ResourceExt>(object: &K) -> Option<Arc<str>> {
    object
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid.as_str().into())
}

#[cfg(test)]
mod tests;

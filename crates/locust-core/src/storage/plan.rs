//! What the sidecar is told.

use std::net::Ipv4Addr;

use locust_api::latest::{ResultBucket, ResultVolume, Threshold};
use serde::{Deserialize, Serialize};

use crate::polling::{Asked, Master};
use crate::resolve::{Resolved, ResolvedStorage};

/// What the sidecar is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The LocustTest's name.
    pub test: String,
    /// What it is to know of the master.
    #[serde(flatten)]
    pub asked: Asked,
    /// How many workers the load is to be made by; `None`: any number.
    pub wanted_workers: Option<u64>,
    /// What its numbers are compared with.
    pub thresholds: Vec<Threshold>,
    /// Directory, or prefix, of the results in every place.
    pub folder: String,
    /// A volume to store them in.
    pub volume: Option<ResultVolume>,
    /// A bucket to store them in.
    pub bucket: Option<ResultBucket>,
}

impl Plan {
    /// `None`: there is nobody to ask for results.
    pub(crate) fn of(resolved: &Resolved, storage: &ResolvedStorage) -> Option<Self> {
        let ResolvedStorage {
            image: _,
            folder,
            volume,
            bucket,
            thresholds,
        } = storage;
        Some(Self {
            test: resolved.name.clone(),
            asked: Asked::of(resolved)?,
            wanted_workers: resolved.wanted_workers(),
            thresholds: thresholds.clone(),
            folder: folder.clone(),
            volume: volume.clone(),
            bucket: bucket.clone(),
        })
    }

    /// The plan as the value of a variable. Kubernetes replaces `$(…)` in such
    /// values, so they have no dollar sign.
    pub fn to_text(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        json.replace('$', "\\u0024")
    }

    /// The master that it is about, in the same pod.
    pub fn master(&self) -> Master {
        Master {
            wanted_workers: self.wanted_workers,
            thresholds: self.thresholds.clone(),
            wants_report: true,
            report_room: usize::MAX,
            ..self.asked.clone().at(Ipv4Addr::LOCALHOST.into())
        }
    }

    /// Where the results are to be stored.
    pub fn places(&self) -> Vec<Place<'_>> {
        let volume = self.volume.as_ref().map(Place::Volume);
        let bucket = self.bucket.as_ref().map(Place::Bucket);
        volume.into_iter().chain(bucket).collect()
    }
}

/// Where results are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place<'a> {
    /// In a volume.
    Volume(&'a ResultVolume),
    /// In a bucket.
    Bucket(&'a ResultBucket),
}

impl Place<'_> {
    /// The directory or prefix of a folder there, without a slash at either end.
    pub fn path(&self, folder: &str) -> String {
        let above = match self {
            Self::Volume(volume) => &volume.directory,
            Self::Bucket(bucket) => &bucket.prefix,
        };
        let above = above.as_deref().unwrap_or_default().trim_matches('/');
        match above {
            "" => folder.to_owned(),
            above => format!("{above}/{folder}"),
        }
    }

    /// What a person calls a folder there.
    pub fn words(&self, folder: &str) -> String {
        let path = self.path(folder);
        match self {
            Self::Volume(ResultVolume { claim_name, .. }) => {
                format!("PersistentVolumeClaim {claim_name}, directory {path},")
            }
            Self::Bucket(ResultBucket { bucket, .. }) => format!("s3://{bucket}/{path}"),
        }
    }
}

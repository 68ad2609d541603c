//! Where a sidecar of the master stores the full results of a test.

use jiff::Timestamp;
use locust_api::latest::{LocustTest, ResultBucket, ResultStorage, ResultVolume, Threshold};

use crate::settings::Settings;

/// How much of a UID tells two tests of one name and second apart.
const UID_CHARACTERS: usize = 8;

/// Where a sidecar of the master stores the full results of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedStorage {
    /// The sidecar's image.
    pub image: String,
    /// The directory, or prefix, of this test's results: those of no other test
    /// are in it.
    pub folder: String,
    /// A volume.
    pub volume: Option<ResultVolume>,
    /// A bucket.
    pub bucket: Option<ResultBucket>,
    /// What the results are compared with.
    pub thresholds: Vec<Threshold>,
}

/// `None`: the test names neither a volume nor a bucket.
pub(super) fn resolve(
    test: &LocustTest,
    results: &ResultStorage,
    settings: &Settings,
) -> Option<ResolvedStorage> {
    let ResultStorage {
        config_map: _,
        persistent_volume_claim: volume,
        s3: bucket,
    } = results;
    results.names_places().then(|| ResolvedStorage {
        image: settings.results_image.clone(),
        folder: folder(test),
        volume: volume.clone(),
        bucket: bucket.clone(),
        thresholds: test.spec.thresholds.clone().unwrap_or_default(),
    })
}

/// The same for one test at all times, and sorted by time among those of its
/// name.
fn folder(test: &LocustTest) -> String {
    let meta = &test.metadata;
    let created = meta.creation_timestamp.as_ref();
    let created = created.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let uid = meta.uid.as_deref().unwrap_or_default();
    format!(
        "{}/{}/{}-{}",
        meta.namespace.as_deref().unwrap_or_default(),
        meta.name.as_deref().unwrap_or_default(),
        created.strftime("%Y-%m-%dT%H-%M-%SZ"),
        uid.get(..UID_CHARACTERS).unwrap_or(uid),
    )
}

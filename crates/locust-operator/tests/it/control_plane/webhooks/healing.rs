//! Whatever happens to the Secret or to the caBundle: it is mended, and nobody
//! is left outside.

use kube::api::{Patch, PatchParams};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use time::OffsetDateTime;

use super::*;

const PORT: u16 = 9443;
/// What the operator promises.
const SOON: Duration = Duration::from_secs(10);

/// An authority as PEM, certificate and key.
fn authority(name: &str, years: [i32; 2]) -> Result<[String; 2]> {
    let year = |year| rcgen::date_time_ymd(year, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let [from, until]: [OffsetDateTime; 2] = years.map(year);
    (params.not_before, params.not_after) = (from, until);
    let key = KeyPair::generate()?;
    Ok([params.self_signed(&key)?.pem(), key.serialize_pem()])
}

/// What may be found in the Secret instead of what was put there.
fn mishaps() -> Result<Vec<(&'static str, Value)>> {
    let data = |[certificate, key]: [&str; 2]| json!({"stringData": {"ca.crt": certificate, "ca.key": key}});
    const OWN: &str = "locust-operator webhook CA";
    let [foreign, foreign_key] = authority("somebody else", [2020, 2090])?;
    let [own, _] = authority(OWN, [2020, 2090])?;
    let [expired, expired_key] = authority(OWN, [2020, 2021])?;
    let [early, early_key] = authority(OWN, [2080, 2090])?;
    Ok(vec![
        ("emptied", json!({"data": null})),
        ("garbage", data(["garbage", "\u{0}\u{1}"])),
        ("half of it", json!({"data": {"ca.key": null}})),
        ("foreign", data([&foreign, &foreign_key])),
        ("another one's key", data([&own, &foreign_key])),
        ("expired", data([&expired, &expired_key])),
        ("not yet valid", data([&early, &early_key])),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_the_secret_is_mended_within_ten_seconds() -> Result<()> {
    let world = World::start(&[PORT], &[]).await?;
    world.create_by_v1("a").await?;
    let api = world.of_version("v1");
    for (what, change) in mishaps()? {
        let params = PatchParams::default();
        // What the answer holds, not what a read after it would find: by then
        // it may be mended.
        let secrets = world.secrets();
        let planted = secrets
            .patch(SECRET, &params, &Patch::Merge(&change))
            .await?;
        let before = authority_in(planted);
        let took = world.rotated(before, &[PORT]).await.context(what)?;
        println!("{what}: {took:?}");
        ensure!(took < SOON, "{what}: {took:?}");
        world
            .is_trusted(PORT, &world.trusted().await?)
            .await
            .context(what)?;
        api.get("a").await.context(what)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ca_bundle_that_somebody_strips_is_restored() -> Result<()> {
    let world = World::start(&[PORT], &[]).await?;
    world.create_by_v1("a").await?;
    let crds: Api<CustomResourceDefinition> = Api::all(world.client.clone());
    let params = PatchParams::default();
    let config = json!({"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": null}}}}});
    let stripped = std::time::Instant::now();
    crds.patch("locusttests.locust.io", &params, &Patch::Merge(&config))
        .await?;
    until("the bundle to be restored", async || {
        Ok((!world.trusted().await?.is_empty()).then_some(()))
    })
    .await?;
    let took = stripped.elapsed();
    println!("restored after {took:?}");
    ensure!(took < SOON, "{took:?}");
    let crd = crds.get("locusttests.locust.io").await?;
    let fields = crd.metadata.managed_fields.unwrap_or_default();
    let ours = fields
        .iter()
        .find(|entry| entry.manager.as_deref() == Some("locust-operator-webhook"));
    let ours = ours
        .and_then(|entry| entry.fields_v1.clone())
        .context("we own a field")?;
    let expected =
        json!({"f:spec": {"f:conversion": {"f:webhook": {"f:clientConfig": {"f:caBundle": {}}}}}});
    ensure!(ours.0 == expected, "{}", ours.0);
    Ok(())
}

//! What a volume is made of: exactly one source, with all that Kubernetes asks
//! of it. Only volumes that are mounted come here.

mod table;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    EphemeralVolumeSource, ISCSIVolumeSource, Volume, VolumeProjection,
};
use serde_json::Value;

use super::quantity::Amount;
use super::{Kind, environment, forms, metadata, scheduling};

pub(super) fn judge(field: &str, volume: &Volume, found: &mut Kind<'_>) {
    found.check(format!("{field}.name"), forms::label(&volume.name));
    let Ok(Value::Object(fields)) = serde_json::to_value(volume) else {
        return;
    };
    let sources: Vec<&String> = fields.keys().filter(|name| *name != "name").collect();
    match sources.as_slice() {
        [] => found.add(
            field,
            "has no source: say what it holds, for example emptyDir",
        ),
        [_] => {}
        _ => found.add(
            field,
            "has several sources: a volume holds one thing, so leave one of them",
        ),
    }
    table::judge(field, &Value::Object(fields), found);
    cross(field, volume, found);
}

/// Most characters of volume name, colon and target portal of an iSCSI volume
/// with an initiator name.
const MOST_ISCSI: usize = 64;

/// What several fields of a source have to say together.
fn cross(field: &str, volume: &Volume, found: &mut Kind<'_>) {
    if let Some(source) = &volume.empty_dir {
        let size = source.size_limit.as_ref();
        let is_negative = size.and_then(|size| Amount::of(&size.0));
        if is_negative.is_some_and(Amount::is_negative) {
            found.add(format!("{field}.emptyDir.sizeLimit"), "is below 0");
        }
    }
    if let Some(source) = &volume.iscsi {
        iscsi(&format!("{field}.iscsi"), &volume.name, source, found);
    }
    if let Some(source) = &volume.fc {
        let wwns = source
            .target_wwns
            .as_ref()
            .is_some_and(|list| !list.is_empty());
        let wwids = source.wwids.as_ref().is_some_and(|list| !list.is_empty());
        if wwns == wwids {
            found.add(format!("{field}.fc"), "needs either targetWWNs or wwids");
        }
        if wwns && !source.lun.is_some_and(|lun| (0..=255).contains(&lun)) {
            found.add(
                format!("{field}.fc.lun"),
                "must be between 0 and 255 with targetWWNs",
            );
        }
    }
    if let Some(source) = &volume.flocker {
        let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if is_set(&source.dataset_name) == is_set(&source.dataset_uuid) {
            found.add(
                format!("{field}.flocker"),
                "needs either datasetName or datasetUUID",
            );
        }
    }
    if let Some(source) = &volume.azure_disk {
        let start = match source.kind.as_deref() {
            Some("Managed") => "/subscriptions/",
            Some("Shared" | "Dedicated") | None => "https://",
            Some(_) => "",
        };
        if !source.disk_uri.starts_with(start) {
            found.add(
                format!("{field}.azureDisk.diskURI"),
                format!("must begin with {start} for its kind"),
            );
        }
    }
    if let Some(source) = &volume.flex_volume {
        for key in source.options.iter().flatten().map(|(key, _)| key) {
            let namespace = key.split_once('/').map_or(key.as_str(), |(space, _)| space);
            let space = format!(".{}", namespace.to_ascii_lowercase());
            if space.ends_with(".kubernetes.io") || space.ends_with(".k8s.io") {
                found.add(
                    format!("{field}.flexVolume.options.{key}"),
                    "is in a namespace of Kubernetes",
                );
            }
        }
    }
    if let Some(source) = &volume.downward_api {
        for (index, file) in source.items.iter().flatten().enumerate() {
            let field = format!("{field}.downwardAPI.items[{index}]");
            environment::downward_file(&field, file, found);
        }
    }
    if let Some(source) = &volume.projected {
        let mut paths = BTreeSet::new();
        for (index, source) in source.sources.iter().flatten().enumerate() {
            let field = format!("{field}.projected.sources[{index}]");
            projection(&field, source, &mut paths, found);
        }
    }
    if let Some(source) = &volume.ephemeral {
        ephemeral(&format!("{field}.ephemeral"), source, found);
    }
}

fn iscsi(field: &str, volume: &str, source: &ISCSIVolumeSource, found: &mut Kind<'_>) {
    let has_initiator = source.initiator_name.is_some();
    if has_initiator && volume.len() + 1 + source.target_portal.len() > MOST_ISCSI {
        found.add(
            format!("{field}.targetPortal"),
            format!("must be shorter: with the volume's name and a colon it may have {MOST_ISCSI} characters where there is an initiatorName"),
        );
    }
    let uses_chap =
        source.chap_auth_discovery == Some(true) || source.chap_auth_session == Some(true);
    if uses_chap && source.secret_ref.is_none() {
        found.add(format!("{field}.secretRef"), "is needed for CHAP");
    }
}

fn projection<'a>(
    field: &str,
    source: &'a VolumeProjection,
    paths: &mut BTreeSet<&'a str>,
    found: &mut Kind<'_>,
) {
    let VolumeProjection {
        cluster_trust_bundle,
        config_map,
        downward_api,
        pod_certificate,
        secret,
        service_account_token,
    } = source;
    let given = [
        cluster_trust_bundle.is_some(),
        config_map.is_some(),
        downward_api.is_some(),
        pod_certificate.is_some(),
        secret.is_some(),
        service_account_token.is_some(),
    ];
    if given.iter().filter(|is_given| **is_given).count() > 1 {
        found.add(field, "has several sources: leave one of them");
    }
    let mut claimed: Vec<&str> = Vec::new();
    for items in [
        config_map.as_ref().and_then(|source| source.items.as_ref()),
        secret.as_ref().and_then(|source| source.items.as_ref()),
    ] {
        claimed.extend(items.into_iter().flatten().map(|item| item.path.as_str()));
    }
    if let Some(source) = downward_api {
        for (index, file) in source.items.iter().flatten().enumerate() {
            let field = format!("{field}.downwardAPI.items[{index}]");
            environment::downward_file(&field, file, found);
            claimed.push(&file.path);
        }
    }
    if let Some(source) = cluster_trust_bundle {
        claimed.push(&source.path);
        let field = format!("{field}.clusterTrustBundle");
        if source.name.is_some() == source.signer_name.is_some() {
            found.add(field.as_str(), "needs either name or signerName");
        }
        if source.name.is_some() && source.label_selector.is_some() {
            found.add(field.as_str(), "takes a labelSelector only with signerName");
        }
        let selector = format!("{field}.labelSelector");
        scheduling::label_selector(&selector, source.label_selector.as_ref(), found);
    }
    if let Some(source) = pod_certificate {
        let files = [
            &source.certificate_chain_path,
            &source.credential_bundle_path,
            &source.key_path,
        ];
        let files = files.into_iter().flatten().filter(|path| !path.is_empty());
        let files: Vec<&str> = files.map(String::as_str).collect();
        if files.is_empty() {
            found.add(
                format!("{field}.podCertificate"),
                "writes no file: give it a path",
            );
        }
        claimed.extend(files);
        let keys = source.user_annotations.iter().flatten().map(|(key, _)| key);
        for key in keys {
            let said = forms::qualified_name(&key.to_lowercase());
            let said = said.or_else(|| (!key.contains('/')).then_some("needs a domain in front"));
            found.check(
                format!("{field}.podCertificate.userAnnotations.{key}"),
                said,
            );
        }
    }
    for path in claimed {
        if !path.is_empty() && !paths.insert(path) {
            found.add(field, format!("{path:?} is the path of two files"));
        }
    }
}

fn ephemeral(field: &str, source: &EphemeralVolumeSource, found: &mut Kind<'_>) {
    let Some(template) = &source.volume_claim_template else {
        return found.add(format!("{field}.volumeClaimTemplate"), "is needed");
    };
    let field = format!("{field}.volumeClaimTemplate");
    if let Some(meta) = &template.metadata {
        let labels = meta.labels.as_ref();
        metadata::labels(
            &format!("{field}.metadata.labels"),
            labels.into_iter().flatten(),
            found,
        );
        let annotations = meta.annotations.as_ref();
        metadata::annotations(&format!("{field}.metadata.annotations"), annotations, found);
        let only_those = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
            labels: meta.labels.clone(),
            annotations: meta.annotations.clone(),
            ..Default::default()
        };
        if *meta != only_those {
            found.add(
                format!("{field}.metadata"),
                "may only hold labels and annotations",
            );
        }
    }
    let spec = &template.spec;
    let field = format!("{field}.spec");
    let modes = spec.access_modes.as_deref().unwrap_or_default();
    if modes.is_empty() {
        found.add(
            format!("{field}.accessModes"),
            "needs an access mode, such as ReadWriteOnce",
        );
    }
    let alone = |mode: &String| mode == "ReadWriteOncePod";
    if modes.iter().any(alone) && !modes.iter().all(alone) {
        found.add(
            format!("{field}.accessModes"),
            "takes ReadWriteOncePod only alone",
        );
    }
    let requests = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.as_ref());
    let size = requests.and_then(|requests| requests.get("storage"));
    let is_positive = |amount: Amount| Amount::of("0").is_some_and(|zero| amount > zero);
    if !size
        .and_then(|size| Amount::of(&size.0))
        .is_some_and(is_positive)
    {
        found.add(
            format!("{field}.resources.requests.storage"),
            "is needed, above 0",
        );
    }
    let selector = format!("{field}.selector");
    scheduling::label_selector(&selector, spec.selector.as_ref(), found);
    data_sources(&field, spec, found);
}

fn data_sources(
    field: &str,
    spec: &k8s_openapi::api::core::v1::PersistentVolumeClaimSpec,
    found: &mut Kind<'_>,
) {
    let is_claim = |group: &Option<String>, kind: &str| {
        group.as_ref().is_some_and(|group| !group.is_empty()) || kind == "PersistentVolumeClaim"
    };
    if let Some(source) = &spec.data_source
        && !is_claim(&source.api_group, &source.kind)
    {
        found.add(
            format!("{field}.dataSource"),
            "needs an apiGroup for its kind",
        );
    }
    let Some(reference) = &spec.data_source_ref else {
        return;
    };
    if !is_claim(&reference.api_group, &reference.kind) {
        found.add(
            format!("{field}.dataSourceRef"),
            "needs an apiGroup for its kind",
        );
    }
    if let Some(source) = &spec.data_source {
        let is_same = (&source.api_group, &source.kind, &source.name)
            == (&reference.api_group, &reference.kind, &reference.name);
        let has_namespace = reference
            .namespace
            .as_ref()
            .is_some_and(|space| !space.is_empty());
        if !is_same || has_namespace {
            found.add(
                format!("{field}.dataSource"),
                "must match dataSourceRef: leave one of them",
            );
        }
    }
}

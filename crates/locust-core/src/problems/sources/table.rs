//! What each field of a volume's source takes, as a table over its JSON.

use serde_json::Value;

use crate::problems::{Kind, forms};

/// What a field takes.
enum Takes {
    /// Text that is there and not empty.
    Needed,
    /// A list that is there and not empty.
    NeededList,
    /// If it is there, text about which this says nothing.
    Fit(fn(&str) -> Option<&'static str>),
    /// If it is there, one of these.
    OneOf(&'static [&'static str]),
    /// If it is there, a number between these.
    Between(i64, i64),
}

use Takes::{Between, Fit, Needed, NeededList, OneOf};

const MODE: Takes = Between(0, 0o777);

/// Fields by their path in a volume, `[]` for every entry of a list. A line
/// counts only where the object that holds the field is there.
const TABLE: &[(&str, Takes)] = &[
    ("emptyDir.mode", Between(0, 0o1777)),
    ("hostPath.path", Needed),
    ("hostPath.path", Fit(forms::path_without_backsteps)),
    (
        "hostPath.type",
        OneOf(&[
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice",
        ]),
    ),
    ("gitRepo.repository", Needed),
    ("gitRepo.directory", Fit(forms::path_below)),
    ("gcePersistentDisk.pdName", Needed),
    ("gcePersistentDisk.partition", Between(0, 255)),
    ("awsElasticBlockStore.volumeID", Needed),
    ("awsElasticBlockStore.partition", Between(0, 255)),
    ("secret.secretName", Needed),
    ("secret.defaultMode", MODE),
    ("secret.items[].key", Needed),
    ("secret.items[].path", Needed),
    ("secret.items[].path", Fit(file_path)),
    ("secret.items[].mode", MODE),
    ("configMap.name", Needed),
    ("configMap.defaultMode", MODE),
    ("configMap.items[].key", Needed),
    ("configMap.items[].path", Needed),
    ("configMap.items[].path", Fit(file_path)),
    ("configMap.items[].mode", MODE),
    ("persistentVolumeClaim.claimName", Needed),
    ("nfs.server", Needed),
    ("nfs.path", Needed),
    ("nfs.path", Fit(absolute)),
    ("iscsi.targetPortal", Needed),
    ("iscsi.iqn", Needed),
    ("iscsi.iqn", Fit(iscsi_name)),
    ("iscsi.initiatorName", Fit(iscsi_name)),
    ("iscsi.lun", Between(0, 255)),
    ("glusterfs.endpoints", Needed),
    ("glusterfs.path", Needed),
    ("quobyte.registry", Needed),
    ("quobyte.registry", Fit(hosts_and_ports)),
    ("quobyte.tenant", Fit(at_most_64)),
    ("quobyte.volume", Needed),
    ("flocker.datasetName", Fit(without_slash)),
    ("rbd.monitors", NeededList),
    ("rbd.image", Needed),
    ("cinder.volumeID", Needed),
    ("cinder.secretRef.name", Needed),
    ("cephfs.monitors", NeededList),
    ("flexVolume.driver", Needed),
    ("azureFile.secretName", Needed),
    ("azureFile.shareName", Needed),
    ("azureDisk.diskName", Needed),
    ("azureDisk.diskURI", Needed),
    (
        "azureDisk.cachingMode",
        OneOf(&["None", "ReadOnly", "ReadWrite"]),
    ),
    ("azureDisk.kind", OneOf(&["Shared", "Dedicated", "Managed"])),
    ("vsphereVolume.volumePath", Needed),
    ("photonPersistentDisk.pdID", Needed),
    ("portworxVolume.volumeID", Needed),
    ("scaleIO.gateway", Needed),
    ("scaleIO.system", Needed),
    ("scaleIO.volumeName", Needed),
    ("storageos.volumeName", Needed),
    ("storageos.volumeName", Fit(forms::label)),
    ("storageos.volumeNamespace", Fit(label_or_nothing)),
    ("storageos.secretRef.name", Needed),
    ("csi.driver", Needed),
    ("csi.driver", Fit(csi_driver)),
    ("csi.nodePublishSecretRef.name", Needed),
    ("csi.nodePublishSecretRef.name", Fit(forms::subdomain)),
    ("image.reference", Needed),
    (
        "image.pullPolicy",
        OneOf(&["", "Always", "IfNotPresent", "Never"]),
    ),
    ("downwardAPI.defaultMode", MODE),
    ("downwardAPI.items[].mode", MODE),
    ("projected.defaultMode", MODE),
    ("projected.sources[].secret.name", Needed),
    ("projected.sources[].secret.items[].key", Needed),
    ("projected.sources[].secret.items[].path", Needed),
    ("projected.sources[].secret.items[].path", Fit(file_path)),
    ("projected.sources[].secret.items[].mode", MODE),
    ("projected.sources[].configMap.name", Needed),
    ("projected.sources[].configMap.items[].key", Needed),
    ("projected.sources[].configMap.items[].path", Needed),
    ("projected.sources[].configMap.items[].path", Fit(file_path)),
    ("projected.sources[].configMap.items[].mode", MODE),
    ("projected.sources[].downwardAPI.items[].mode", MODE),
    (
        "projected.sources[].serviceAccountToken.expirationSeconds",
        Between(600, 1 << 32),
    ),
    ("projected.sources[].serviceAccountToken.path", Needed),
    (
        "projected.sources[].serviceAccountToken.path",
        Fit(file_path),
    ),
    ("projected.sources[].clusterTrustBundle.path", Needed),
    (
        "projected.sources[].clusterTrustBundle.path",
        Fit(file_path),
    ),
    (
        "projected.sources[].clusterTrustBundle.name",
        Fit(bundle_name),
    ),
    (
        "projected.sources[].clusterTrustBundle.signerName",
        Fit(signer),
    ),
    ("projected.sources[].podCertificate.signerName", Needed),
    ("projected.sources[].podCertificate.signerName", Fit(signer)),
    (
        "projected.sources[].podCertificate.keyType",
        OneOf(&[
            "RSA3072",
            "RSA4096",
            "ECDSAP256",
            "ECDSAP384",
            "ECDSAP521",
            "ED25519",
        ]),
    ),
    (
        "projected.sources[].podCertificate.maxExpirationSeconds",
        Between(3600, 7_862_400),
    ),
    (
        "projected.sources[].podCertificate.credentialBundlePath",
        Fit(file_path),
    ),
    ("projected.sources[].podCertificate.keyPath", Fit(file_path)),
    (
        "projected.sources[].podCertificate.certificateChainPath",
        Fit(file_path),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.accessModes[]",
        OneOf(&[
            "ReadWriteOnce",
            "ReadOnlyMany",
            "ReadWriteMany",
            "ReadWriteOncePod",
        ]),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.volumeMode",
        OneOf(&["Block", "Filesystem"]),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.storageClassName",
        Fit(subdomain_or_nothing),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.volumeAttributesClassName",
        Fit(subdomain_or_nothing),
    ),
    ("ephemeral.volumeClaimTemplate.spec.dataSource.kind", Needed),
    ("ephemeral.volumeClaimTemplate.spec.dataSource.name", Needed),
    (
        "ephemeral.volumeClaimTemplate.spec.dataSource.apiGroup",
        Fit(subdomain_or_nothing),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.dataSourceRef.kind",
        Needed,
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.dataSourceRef.name",
        Needed,
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.dataSourceRef.apiGroup",
        Fit(subdomain_or_nothing),
    ),
    (
        "ephemeral.volumeClaimTemplate.spec.dataSourceRef.namespace",
        Fit(label_or_nothing),
    ),
];

pub(super) fn judge(field: &str, volume: &Value, found: &mut Kind<'_>) {
    for (path, takes) in TABLE {
        follow(volume, path, field, &mut |field, value| {
            if let Some(message) = said(takes, value) {
                found.add(field, message);
            }
        });
    }
}

/// Calls `visit` for the field at `path` wherever the object that would hold it
/// is there.
fn follow(at: &Value, path: &str, field: &str, visit: &mut impl FnMut(&str, &Value)) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let name = step.trim_end_matches("[]");
    let field = format!("{field}.{name}");
    let value = at.get(name).unwrap_or(&Value::Null);
    if step.ends_with("[]") {
        for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
            let field = format!("{field}[{index}]");
            match rest {
                Some(rest) => follow(entry, rest, &field, visit),
                None => visit(&field, entry),
            }
        }
        return;
    }
    match rest {
        Some(rest) if value.is_object() => follow(value, rest, &field, visit),
        Some(_) => {}
        None => visit(&field, value),
    }
}

fn said(takes: &Takes, value: &Value) -> Option<String> {
    match takes {
        Needed if value.as_str().is_none_or(str::is_empty) => Some("is needed".to_owned()),
        NeededList if value.as_array().is_none_or(Vec::is_empty) => {
            Some("needs an entry".to_owned())
        }
        Needed | NeededList => None,
        Fit(says) => {
            let text = value.as_str()?;
            says(text).map(|message| format!("{text:?} {message}"))
        }
        OneOf(texts) => {
            let text = value.as_str()?;
            (!texts.contains(&text)).then(|| format!("{text:?} is none of {}", texts.join(", ")))
        }
        Between(least, most) => {
            let number = value.as_i64()?;
            (number < *least || number > *most)
                .then(|| format!("{number} is not between {least} and {most}"))
        }
    }
}

fn file_path(text: &str) -> Option<&'static str> {
    forms::path_below(text).or_else(|| text.starts_with("..").then_some("must not begin with '..'"))
}

fn absolute(text: &str) -> Option<&'static str> {
    (!text.starts_with('/')).then_some("must be an absolute path")
}

fn label_or_nothing(text: &str) -> Option<&'static str> {
    (!text.is_empty()).then(|| forms::label(text)).flatten()
}

fn subdomain_or_nothing(text: &str) -> Option<&'static str> {
    (!text.is_empty()).then(|| forms::subdomain(text)).flatten()
}

fn at_most_64(text: &str) -> Option<&'static str> {
    (text.len() > 64).then_some("must have at most 64 characters")
}

fn without_slash(text: &str) -> Option<&'static str> {
    text.contains('/').then_some("must not contain '/'")
}

fn csi_driver(text: &str) -> Option<&'static str> {
    let is_good = text.len() <= 63 && forms::subdomain(&text.to_lowercase()).is_none();
    (!is_good).then_some("must be a driver's name of at most 63 letters, digits, dashes and dots")
}

fn hosts_and_ports(text: &str) -> Option<&'static str> {
    let is_pair = |pair: &str| {
        pair.rsplit_once(':').is_some_and(|(host, _)| {
            !host.contains(':') || (host.starts_with('[') && host.ends_with(']'))
        })
    };
    (!text.split(',').all(is_pair)).then_some("must be host:port, or several with commas between")
}

/// An iSCSI qualified name: `iqn.2001-04.com.example:disk`, `eui.` and 16
/// letters or digits, or `naa.` and 32.
fn iscsi_name(text: &str) -> Option<&'static str> {
    let id = |text: &str, length: usize| {
        text.len() == length && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let is_good = if let Some(rest) = text.strip_prefix("iqn.") {
        is_dated_domain(rest)
    } else if let Some(rest) = text.strip_prefix("eui.") {
        id(rest, 16)
    } else if let Some(rest) = text.strip_prefix("naa.") {
        id(rest, 32)
    } else {
        false
    };
    (!is_good).then_some("must be iqn.<year>-<month>.<domain>:<name>, or an eui. or naa. name")
}

/// `2001-04.com.example:name`.
fn is_dated_domain(text: &str) -> bool {
    let is_number =
        |text: Option<&str>| text.is_some_and(|text| text.chars().all(|c| c.is_ascii_digit()));
    let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_name = |c: char| !c.is_whitespace() && !",;*&$|".contains(c);
    let (domain, name) = text
        .get(8..)
        .and_then(|rest| rest.split_once(':'))
        .unwrap_or_default();
    is_number(text.get(..4))
        && text.get(4..5) == Some("-")
        && is_number(text.get(5..7))
        && text.get(7..8) == Some(".")
        && !domain.is_empty()
        && domain.chars().all(is_domain)
        && !name.is_empty()
        && name.chars().all(is_name)
}

/// The name of a signer: a domain of at least two parts, a slash, a path.
fn signer(text: &str) -> Option<&'static str> {
    let is_good = text.split_once('/').is_some_and(|(domain, path)| {
        let labels = path.split('.').all(|label| {
            let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            label.starts_with(edge)
                && label.ends_with(edge)
                && label.chars().all(|c| edge(c) || c == '-')
        });
        domain.contains('.') && forms::subdomain(domain).is_none() && labels && path.len() <= 253
    });
    (!is_good).then_some("must be the name of a signer, like example.com/name")
}

/// The name of a trust bundle: that of its signer with `:` for `/`, then `:`
/// and a name; or just a name. Kubernetes does not look closer at the signer.
fn bundle_name(text: &str) -> Option<&'static str> {
    let (signer, own) = text.rsplit_once(':').unwrap_or(("no signer", text));
    let is_good = forms::subdomain(own).is_none() && !signer.is_empty() && !signer.contains('/');
    (!is_good).then_some("must be the name of a ClusterTrustBundle")
}

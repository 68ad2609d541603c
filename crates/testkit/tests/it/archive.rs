//! The smallest OCI archive: one layer with one static program.

use std::fs::{self, File};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Writes an archive of an image called `name` that runs `program` with
/// `arguments`.
pub(crate) fn write(archive: &Path, name: &str, program: &Path, arguments: &[&str]) {
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, "program", &fs::read(program).unwrap());
    let layer = layer.into_inner().unwrap();
    let entrypoint: Vec<&str> = ["/program"].iter().chain(arguments).copied().collect();
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    })
    .to_string()
    .into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
    })
    .to_string()
    .into_bytes();
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest(&manifest),
            "size": manifest.len(),
            "annotations": {"io.containerd.image.name": name},
        }],
    })
    .to_string();

    let mut out = tar::Builder::new(File::create(archive).unwrap());
    append(&mut out, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    append(&mut out, "index.json", index.as_bytes());
    for blob in [layer, config, manifest] {
        append(
            &mut out,
            &format!("blobs/{}", digest(&blob).replace(':', "/")),
            &blob,
        );
    }
    out.finish().unwrap();
}

fn append<W: std::io::Write>(tar: &mut tar::Builder<W>, path: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(content.len().try_into().unwrap());
    tar.append_data(&mut header, path, content).unwrap();
}

fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(blob), "size": blob.len()})
}

fn digest(blob: &[u8]) -> String {
    let hash = Sha256::digest(blob);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

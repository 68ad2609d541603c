//! Writes an image as an OCI archive: a tar file with one layer, its
//! configuration, a manifest and an index. The same input gives the same
//! bytes: no times, no names of users, entries in a fixed order.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::compile::ARCHITECTURE;
use super::layer::Layer;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const NAME: &str = "io.containerd.image.name";
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What an image says about itself, beside its layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a> {
    /// The full name, registry and tag included.
    pub(super) name: &'a str,
    pub(super) entrypoint: &'a str,
    /// Numeric `user:group`, so that the kubelet can tell that it is not root.
    pub(super) user: &'a str,
    pub(super) workdir: &'a str,
    pub(super) env: &'a [&'a str],
    pub(super) labels: &'a [(&'a str, &'a str)],
}

impl Image<'_> {
    /// Writes the archive to `path`.
    pub(super) fn write(&self, layer: Layer, path: &Path) -> anyhow::Result<()> {
        let config = Blob::new(&self.config(&layer));
        let manifest = Blob::new(&manifest(&config, &layer));
        let index = Blob::new(&self.index(&manifest));
        let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
        let mut archive = tar::Builder::new(file);
        let put = |archive: &mut tar::Builder<File>, name: &str, content: &[u8]| {
            let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
            append(archive, name, size, content)
        };
        let written: io::Result<()> = (|| {
            put(
                &mut archive,
                "oci-layout",
                br#"{"imageLayoutVersion":"1.0.0"}"#,
            )?;
            put(&mut archive, "index.json", &index.content)?;
            put(&mut archive, &manifest.path(), &manifest.content)?;
            put(&mut archive, &config.path(), &config.content)?;
            let mut content = layer.file;
            content.rewind()?;
            let name = format!("blobs/sha256/{}", layer.digest);
            append(&mut archive, &name, layer.size, content)?;
            archive.finish()
        })();
        written.with_context(|| format!("writing {}", path.display()))
    }

    fn config(&self, layer: &Layer) -> Value {
        let mut env = vec![PATH];
        env.extend(self.env);
        let labels: BTreeMap<_, _> = self.labels.iter().copied().collect();
        json!({
            "architecture": ARCHITECTURE,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "User": self.user,
                "Env": env,
                "Entrypoint": [self.entrypoint],
                "WorkingDir": self.workdir,
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", layer.diff_id)]},
        })
    }

    fn index(&self, manifest: &Blob) -> Value {
        let tag = self.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [{
                "mediaType": MANIFEST,
                "digest": format!("sha256:{}", manifest.digest),
                "size": manifest.content.len(),
                "platform": {"architecture": ARCHITECTURE, "os": "linux"},
                "annotations": {NAME: self.name, "org.opencontainers.image.ref.name": tag},
            }],
        })
    }
}

fn manifest(config: &Blob, layer: &Layer) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": CONFIG,
            "digest": format!("sha256:{}", config.digest),
            "size": config.content.len(),
        },
        "layers": [{
            "mediaType": layer.media_type,
            "digest": format!("sha256:{}", layer.digest),
            "size": layer.size,
        }],
    })
}

/// A JSON document that is referred to by its digest.
struct Blob {
    content: Vec<u8>,
    digest: String,
}

impl Blob {
    fn new(document: &Value) -> Self {
        let content = document.to_string().into_bytes();
        let digest = hex(&Sha256::digest(&content));
        Self { content, digest }
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }
}

fn append(
    archive: &mut tar::Builder<File>,
    name: &str,
    size: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(size);
    archive.append_data(&mut header, name, content)
}

/// Bytes as lower case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an archive holds, read back from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    /// The image's full name.
    pub(super) name: String,
    /// The manifest's digest, by which registries know the image.
    pub(super) digest: String,
    /// Bytes of the layer as it is stored.
    pub(super) layer: u64,
}

impl Summary {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let read = || -> anyhow::Result<Self> {
            let index = document(path, "index.json")?;
            let digest = text(&index, "/manifests/0/digest")?;
            let name = format!("/manifests/0/annotations/{NAME}");
            let manifest = document(path, &format!("blobs/{}", digest.replace(':', "/")))?;
            let layer = manifest
                .pointer("/layers/0/size")
                .and_then(Value::as_u64)
                .context("its manifest has no layer")?;
            Ok(Self {
                name: text(&index, &name)?,
                digest,
                layer,
            })
        };
        read().with_context(|| format!("reading the image archive {}", path.display()))
    }
}

fn text(document: &Value, pointer: &str) -> anyhow::Result<String> {
    let value = document.pointer(pointer).and_then(Value::as_str);
    let value = value.with_context(|| format!("its index has no {pointer}"))?;
    Ok(value.to_owned())
}

fn document(path: &Path, name: &str) -> anyhow::Result<Value> {
    let mut archive = tar::Archive::new(File::open(path)?);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        if entry.path()? == Path::new(name) {
            return Ok(serde_json::from_reader(entry)?);
        }
    }
    anyhow::bail!("it holds no {name}")
}

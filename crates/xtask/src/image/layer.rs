//! A layer: the files of an image, as a tar stream with its digests.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use super::oci::hex;

/// A finished layer, in an unnamed temporary file.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) file: File,
    pub(super) media_type: &'static str,
    pub(super) size: u64,
    /// Of the bytes as they are stored.
    pub(super) digest: String,
    /// Of the bytes before compression.
    pub(super) diff_id: String,
}

/// Collects the entries of a layer.
pub(super) struct Writer {
    tar: tar::Builder<Hashing<Stored>>,
}

/// Whether the layer is stored compressed: worth it for an image that is
/// shipped, a waste of time for one that only this machine reads.
enum Stored {
    Plain(Hashing<File>),
    Gzip(GzEncoder<Hashing<File>>),
}

impl Writer {
    /// A layer that is stored as it is.
    pub(super) fn plain() -> anyhow::Result<Self> {
        Ok(Self::new(Stored::Plain(Hashing::new(temporary()?))))
    }

    /// A layer that is stored compressed.
    pub(super) fn gzip() -> anyhow::Result<Self> {
        // 255 is "unknown system"; time and file name stay unset.
        let encoder = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Hashing::new(temporary()?), Compression::best());
        Ok(Self::new(Stored::Gzip(encoder)))
    }

    fn new(stored: Stored) -> Self {
        Self {
            tar: tar::Builder::new(Hashing::new(stored)),
        }
    }

    /// Adds a file of root's.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let mut header = header(EntryType::Regular, mode);
        header.set_size(u64::try_from(content.len()).map_err(io::Error::other)?);
        self.tar.append_data(&mut header, path, content)
    }

    /// Adds a directory of root's.
    pub(super) fn directory(&mut self, path: &str) -> io::Result<()> {
        let mut header = header(EntryType::Directory, 0o755);
        self.tar.append_data(&mut header, path, io::empty())
    }

    /// Adds everything below the directory `root`, by its names in order, with
    /// the modes and owners that it has there.
    pub(super) fn tree(&mut self, root: &Path) -> anyhow::Result<()> {
        let mut waiting = vec![root.to_owned()];
        while let Some(path) = waiting.pop() {
            if path != root {
                self.entry(root, &path)
                    .with_context(|| format!("adding {} to a layer", path.display()))?;
            }
            if path.symlink_metadata()?.is_dir() {
                let entries = fs::read_dir(&path)
                    .with_context(|| format!("listing {}", path.display()))?
                    .map(|entry| entry.map(|entry| entry.path()));
                let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
                // The last one is taken first.
                entries.sort_by(|a, b| b.cmp(a));
                waiting.extend(entries);
            }
        }
        Ok(())
    }

    fn entry(&mut self, root: &Path, path: &Path) -> anyhow::Result<()> {
        let name = path.strip_prefix(root)?;
        let metadata = path.symlink_metadata()?;
        let mode = metadata.permissions().mode() & 0o7777;
        let owned = |kind| {
            let mut header = header(kind, mode);
            header.set_uid(metadata.uid().into());
            header.set_gid(metadata.gid().into());
            header
        };
        if metadata.is_dir() {
            let mut header = owned(EntryType::Directory);
            self.tar.append_data(&mut header, name, io::empty())?;
        } else if metadata.is_symlink() {
            let mut header = owned(EntryType::Symlink);
            self.tar
                .append_link(&mut header, name, fs::read_link(path)?)?;
        } else {
            let mut header = owned(EntryType::Regular);
            header.set_size(metadata.len());
            self.tar.append_data(&mut header, name, File::open(path)?)?;
        }
        Ok(())
    }

    /// Ends the layer.
    pub(super) fn finish(self) -> anyhow::Result<Layer> {
        let finish = || -> io::Result<Layer> {
            let (stored, diff_id) = self.tar.into_inner()?.finish();
            let (media_type, stored) = match stored {
                Stored::Plain(file) => ("application/vnd.oci.image.layer.v1.tar", file),
                Stored::Gzip(encoder) => (
                    "application/vnd.oci.image.layer.v1.tar+gzip",
                    encoder.finish()?,
                ),
            };
            let (mut file, digest) = stored.finish();
            Ok(Layer {
                size: file.stream_position()?,
                file,
                media_type,
                digest,
                diff_id,
            })
        };
        finish().context("writing a layer")
    }
}

fn header(kind: EntryType, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    header
}

fn temporary() -> anyhow::Result<File> {
    tempfile::tempfile().context("making a temporary file for a layer")
}

impl Write for Stored {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(encoder) => encoder.flush(),
        }
    }
}

/// Hashes what is written through it.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        let hash = Sha256::new();
        Self { inner, hash }
    }

    fn finish(self) -> (W, String) {
        (self.inner, hex(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

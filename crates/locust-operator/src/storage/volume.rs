//! A directory of a volume.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

/// A directory of a volume.
#[derive(Debug)]
pub(super) struct Volume {
    directory: PathBuf,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum VolumeError {
    /// There is no directory for it.
    #[error("making the directory {}", .directory.display())]
    Directory {
        directory: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The volume does not take it.
    #[error("writing {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Volume {
    pub(super) const fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Writes a file as a whole: whoever reads the volume sees all of it, or
    /// nothing.
    pub(super) async fn write(&self, name: &str, content: &[u8]) -> Result<(), VolumeError> {
        let directory = &self.directory;
        fs::create_dir_all(directory)
            .await
            .map_err(|source| VolumeError::Directory {
                directory: directory.clone(),
                source,
            })?;
        let path = directory.join(name);
        let draft = directory.join(format!(".{name}.part"));
        let written = async {
            write_through(&draft, content).await?;
            fs::rename(&draft, &path).await
        };
        match written.await {
            Ok(()) => Ok(()),
            Err(source) => Err(VolumeError::Write { path, source }),
        }
    }
}

async fn write_through(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path).await?;
    file.write_all(content).await?;
    file.sync_all().await
}

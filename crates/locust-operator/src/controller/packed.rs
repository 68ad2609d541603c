//! Text kept small. Objects of one kind say mostly the same, word for word: so
//! of each only that is kept in which it differs from a sample of its kind.

use std::sync::OnceLock;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// What of a long sample is used: more of it is hardly ever met again.
const SAMPLE: usize = 16 * 1024;

/// Packs texts of one kind. The first of them is the sample.
#[derive(Default)]
pub(super) struct Packer {
    sample: OnceLock<Box<[u8]>>,
}

/// A text; only its own packer can unpack it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed(Box<[u8]>);

impl Packer {
    /// Without a sample yet.
    pub(super) const fn new() -> Self {
        Self {
            sample: OnceLock::new(),
        }
    }

    /// Equal texts are equal packed.
    pub(super) fn pack(&self, text: &[u8]) -> Packed {
        let sample = self
            .sample
            .get_or_init(|| text.iter().copied().take(SAMPLE).collect());
        Packed(compress_prepend_size_with_dict(text, sample).into())
    }

    /// The text. `None` cannot happen: it was packed here.
    pub(super) fn unpack(&self, Packed(bytes): &Packed) -> Option<Vec<u8>> {
        decompress_size_prepended_with_dict(bytes, self.sample.get()?)
            .inspect_err(|error| tracing::error!(%error, "a remembered object cannot be unpacked"))
            .ok()
    }
}

#[cfg(test)]
mod tests;

//! Images of one small static program each, for the test cluster.
//!
//! | image | program | stands in for |
//! |---|---|---|
//! | `registry.k8s.io/pause:3.10` | `pause` | itself: the process that holds a pod's namespaces |
//! | `docker.io/containersol/locust_exporter:v0.5.0` | `pause` | the metrics exporter: it starts, serves nothing, and ends when told to |
//! | `docker.io/testkit/stub-locust:1` | `stub-locust` | a Locust whose end is chosen, for tests that need many short runs |

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::layer::Writer;
use super::oci::Image;
use super::{cache, compile};

struct Stub {
    /// The archive's name in the cache.
    archive: &'static str,
    image: &'static str,
    bin: &'static str,
    source: &'static str,
}

const PAUSE: &str = include_str!("../../../stubs/src/bin/pause.rs");
const STUB_LOCUST: &str = include_str!("../../../stubs/src/bin/stub-locust.rs");

const STUBS: [Stub; 3] = [
    Stub {
        archive: "pause",
        image: "registry.k8s.io/pause:3.10",
        bin: "pause",
        source: PAUSE,
    },
    Stub {
        archive: "exporter",
        image: "docker.io/containersol/locust_exporter:v0.5.0",
        bin: "pause",
        source: PAUSE,
    },
    Stub {
        archive: "stub-locust",
        image: "docker.io/testkit/stub-locust:1",
        bin: "stub-locust",
        source: STUB_LOCUST,
    },
];

/// The archives, from the cache or made now.
pub(super) fn archives() -> anyhow::Result<Vec<PathBuf>> {
    STUBS.iter().map(archive).collect()
}

/// The programs' libraries are left out of the recipe: a change there is not a
/// reason to build them again, and to look would take longer than the rest.
fn archive(stub: &Stub) -> anyhow::Result<PathBuf> {
    let recipe = [
        stub.image,
        stub.source,
        include_str!("stub.rs"),
        include_str!("layer.rs"),
        include_str!("oci.rs"),
    ];
    cache::archive(stub.archive, &recipe, |path| make(stub, path))
}

fn make(stub: &Stub, archive: &Path) -> anyhow::Result<()> {
    eprintln!("{} image: building its program", stub.archive);
    let binary = compile::static_binary("stubs", stub.bin)?;
    let binary = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
    let mut layer = Writer::plain()?;
    layer.file(stub.bin, 0o755, &binary)?;
    let image = Image {
        name: stub.image,
        entrypoint: &format!("/{}", stub.bin),
        user: "65532:65532",
        workdir: "/",
        env: &[],
        labels: &[],
    };
    image.write(layer.finish()?, archive)
}

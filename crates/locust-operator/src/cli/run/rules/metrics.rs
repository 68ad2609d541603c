//! What the flags say about metrics.

use std::path::Path;

use super::super::args::RunArgs;
use super::{Flags, address};
use crate::metrics::{Options, Security};
use crate::server::{Files, Protocols, Use};

/// How to serve them; `None`: not.
pub(super) fn check(args: &RunArgs, protocols: Protocols, flags: &mut Flags) -> Option<Options> {
    let is_secure = flags.boolean("metrics-secure", &args.metrics_secure);
    let address = address("metrics-bind-address", &args.metrics_bind_address, flags)?;
    let directory = Path::new(&args.metrics_cert_path);
    let security = match (is_secure, args.metrics_cert_path.is_empty()) {
        (false, _) => Security::Open,
        (true, true) => Security::OwnCertificate,
        (true, false) => Security::Files(Files {
            of: Use::Metrics,
            certificate: directory.join(&args.metrics_cert_name),
            key: directory.join(&args.metrics_cert_key),
            // Tests are looked after meanwhile.
            wait: None,
        }),
    };
    Some(Options {
        address,
        protocols,
        security,
    })
}

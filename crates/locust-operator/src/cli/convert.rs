//! `locust-operator convert`: manifests of one version as those of the other.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use locust_core::convert::ApiVersion;

use crate::local::manifests;

/// Arguments of `locust-operator convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is lost: what v1 cannot say goes into the annotation locust.io/conversion-data.
Other objects in the files are printed as they are. Comments are not kept.")]
pub struct ConvertArgs {
    /// Files with LocustTests; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The version to print.
    #[arg(long, value_enum, default_value = "v2")]
    to: To,
}

/// The version to print.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    /// `locust.io/v1`.
    V1,
    /// `locust.io/v2`.
    V2,
}

/// Prints the manifests in the version asked for, or what is wrong with them.
pub fn main(args: &ConvertArgs) -> ExitCode {
    let desired = match args.to {
        To::V1 => ApiVersion::V1,
        To::V2 => ApiVersion::V2,
    };
    match manifests::converted(&args.files, desired) {
        Ok(yaml) => {
            print!("{yaml}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            for fault in faults {
                eprintln!("error: {fault}");
            }
            ExitCode::FAILURE
        }
    }
}

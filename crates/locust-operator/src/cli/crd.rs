//! `locust-operator crd`: the CustomResourceDefinition, to be piped into
//! `kubectl apply -f -`.

use std::process::ExitCode;

/// Prints the CustomResourceDefinition as YAML.
pub fn main() -> ExitCode {
    match serde_saphyr::to_string(&locust_api::crd::crd()) {
        Ok(yaml) => {
            print!("{yaml}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: the CRD cannot be written as YAML: {error}");
            ExitCode::FAILURE
        }
    }
}

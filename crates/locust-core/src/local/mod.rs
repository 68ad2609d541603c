//! What the local runner needs to know beyond `processes`: the environment and
//! the files that a kubelet would give to each container, made from the
//! ConfigMaps and Secrets that stand in the user's files.
//!
//! | file | answers |
//! |---|---|
//! | `bundle.rs` | which ConfigMaps and Secrets are there |
//! | `pod.rs` | what the downward API says about a process |
//! | `expand.rs` | what `$(NAME)` stands for |
//! | `environment.rs` | which variables a process gets |
//! | `volumes.rs`, `layout.rs` | which files it finds at which path |
//! | `remap.rs` | what to write instead where such a path cannot be had |
//! | `fields.rs` | which field of the manifest asked for something |
//!
//! What cannot be had is a [`Problem`], never an error: all of them are shown
//! to the user at once, before anything is started.

pub mod bundle;
mod environment;
mod expand;
mod fields;
mod layout;
mod pod;
mod remap;
#[cfg(test)]
mod tests;
mod volumes;

use std::fmt;

use locust_api::latest::LocustTest;

pub use bundle::Bundle;
pub use layout::{Content, File, Mount};
pub use pod::Pod;
pub use remap::Remap;

use crate::processes::ProcessSpec;
pub(crate) use fields::Fields;

/// Something that the manifest asks for and that a local run cannot give.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The field of the LocustTest, for example `spec.testFiles.configMapRef`.
    pub field: String,
    /// What is wrong with it and what to do about it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// All that a process is started with.
///
/// No `Debug`: the values of Secrets are among it.
#[derive(Clone, PartialEq)]
pub struct Inputs {
    /// Arguments, with `$(NAME)` replaced.
    pub args: Vec<String>,
    /// Environment, each name once, in order of their names.
    pub env: Vec<(String, String)>,
    /// Files, by where they are mounted.
    pub mounts: Vec<Mount>,
}

/// What `process` of `test` is started with, and what of it cannot be had.
pub fn inputs(
    test: &LocustTest,
    process: &ProcessSpec,
    pod: &Pod,
    bundle: &Bundle,
) -> (Inputs, Vec<Problem>) {
    let mut problems = Vec::new();
    let fields = Fields::new(test, process.role);
    let env = environment::environment(process, pod, bundle, &fields, &mut problems);
    let files = volumes::Source {
        bundle,
        pod,
        fields: &fields,
    };
    let mounts = layout::layout(process, &env, &files, &mut problems);
    let args = process
        .args
        .iter()
        .map(|arg| expand::expand(arg, &env))
        .collect();
    let inputs = Inputs {
        args,
        env: env.into_iter().collect(),
        mounts,
    };
    (inputs, problems)
}

//! Integration tests: one binary for all of them.
//!
//! | module | needs |
//! |---|---|
//! | `control_plane` | an API server with the Job controller, no node |
//! | `local` | Locust, which the tests install once into the user's cache |
//! | `node` | a whole one-node Kubernetes with images |
//! | `start`, `converted`, `sidecar` | nothing |

#[cfg(test)]
mod control_plane;
#[cfg(test)]
mod converted;
#[cfg(test)]
mod local;
#[cfg(test)]
mod master;
#[cfg(test)]
mod node;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod pods;
#[cfg(test)]
mod sidecar;
#[cfg(test)]
mod start;
#[cfg(test)]
mod tests_of;

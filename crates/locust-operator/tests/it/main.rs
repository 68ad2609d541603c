//! Integration tests: one binary for all of them.
//!
//! | module | needs |
//! |---|---|
//! | `control_plane` | an API server with the Job controller, no node |
//! | `local` | Locust, which the tests install once into the user's cache |
//! | `node` | a whole one-node Kubernetes with images |

mod control_plane;
mod local;
mod node;
mod operator;
mod pods;
mod tests_of;

//! Integration tests: one binary for all of them.
//!
//! | module | needs |
//! |---|---|
//! | `control_plane` | an API server with the Job controller, no node |

mod control_plane;
mod operator;
mod pods;
mod tests_of;

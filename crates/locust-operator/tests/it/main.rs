//! Integration tests: one binary for all of them.
//!
//! | module | needs |
//! |---|---|
//! | `local` | Locust, which it installs into the user's cache |

#[cfg(test)]
mod local;

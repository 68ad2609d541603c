//! Integration tests: one binary for all of them.

// The attribute is always true here; it tells clippy that functions which
// tests share may panic as tests may.
#[cfg(test)]
mod real;

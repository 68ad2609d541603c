//! Everything that the Makefile forwards to.

fn main() {}

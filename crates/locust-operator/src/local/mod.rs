//! Runs a LocustTest as processes on this machine.

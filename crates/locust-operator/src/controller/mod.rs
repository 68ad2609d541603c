//! Watches LocustTests and reconciles them.

//! Two replicas of which one leads: what becomes of a test when that one is
//! killed, shut down, paused or cut off, and that nobody else ever writes.

mod crashes;
mod leases;
mod oracle;
mod outages;
mod pair;

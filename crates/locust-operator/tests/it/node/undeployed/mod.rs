//! Tests that bring their own operators, or have none. The deployed one is
//! scaled to zero, so these do not run beside the other node tests.

mod by_hand;
mod crashes;
mod grace;
mod orphans;
mod restricted;
mod take_over;
mod time_to_live;

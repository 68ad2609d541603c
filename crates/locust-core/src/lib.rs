//! What should happen for a LocustTest, decided from values alone.
//!
//! Nothing here is async, fails, reads a clock or touches a file: whatever a
//! decision needs is an argument.
//!
//! The story of a reconcile, which the operator crate plays out:
//!
//! 1. it puts the test, its children and its pods into [`observed::Observed`],
//!    as remembered;
//! 2. [`decide::decide`] answers with a [`decide::Decision`]: steps in order,
//!    the status they lead to, and when to look again; its
//!    [`decide::Reading`] says what to read first, and decide anew;
//! 3. the steps are carried out until one fails;
//! 4. [`fold::fold`] joins the status with what became of the steps;
//! 5. the status is written if it changed, and only then are events sent.
//!
//! Objects of the other API version become ones of this version by
//! [`convert::convert`], and back.
//!
//! The local runner shares [`problems::problems`] and [`resolve::resolve`] and
//! goes on with
//! [`processes::processes`] and [`local::inputs`] instead of the builders of
//! Kubernetes objects; [`thresholds`] and [`judgement`] judge its runs, too.
//!
//! Beside the story, the webhooks: [`review`] answers what the API server asks
//! when a test is written or read in another version, and [`certificates`]
//! says when which certificate is made.

pub mod build;
pub mod by_hand;
pub mod certificates;
pub mod command_line;
pub mod convert;
pub mod decide;
pub mod election;
pub mod events;
pub mod fold;
pub mod judgement;
pub mod local;
pub mod locust;
mod merge_patch;
pub mod metrics;
pub mod observed;
pub mod polling;
pub mod problems;
pub mod processes;
pub mod report;
pub mod resolve;
pub mod review;
pub mod settings;
pub mod status;
pub mod stop_request;
pub mod storage;
pub mod thresholds;
#[cfg(test)]
mod trials;

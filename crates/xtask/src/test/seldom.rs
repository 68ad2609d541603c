//! Tests that run in the long run alone. They wait for minutes or start
//! clusters of their own, for what few changes touch; of each kind there is a
//! sibling that always runs.

/// Where they are, and what they are called: how a name begins.
pub(super) const SELDOM: [&str; 20] = [
    // On control planes of their own.
    "control_plane::webhooks::clock::",
    "control_plane::webhooks::crowd::",
    "control_plane::webhooks::healing::whatever_happens_to_the_secret",
    "control_plane::conversion::finished::",
    "control_plane::conversion::migration::what_was_stored_as_v1_is_stored_as_v2_by_the_command",
    "control_plane::election::outages::",
    // Runs to their end, one after the other.
    "control_plane::live::replays::masters_of_four_versions",
    "control_plane::live::stored::results_that_are_to_stay",
    // Of testkit.
    "control_plane::killed_components_can_be_started_again",
    "control_plane::nothing_is_left_when_the_owner_is_killed",
    "control_plane::the_programs_of_kubebuilder_assets",
    "node::nothing_is_left_when_the_owner_of_a_node_with_pods_is_killed",
    "node::what_a_killed_keeper_leaves",
    // Real pods, at length.
    "node::endings::runs_that_are_stopped",
    "node::losses::a_run_goes_on_without_lost_workers",
    "node::storage::however_a_run_ends",
    "node::undeployed::crashes::an_erased_status",
    "node::undeployed::crashes::jobs_deleted_after_a_crash",
    "node::undeployed::grace::",
    "node::undeployed::restricted::the_samples_security_group",
];

/// Those of the tests that `filter` selects which always run.
pub(super) fn without(filter: &str) -> String {
    format!("({filter}) - ({})", these())
}

/// Those of the tests that `filter` selects which run seldom.
pub(super) fn only(filter: &str) -> String {
    format!("({filter}) & ({})", these())
}

fn these() -> String {
    format!("binary(it) & test(/^({})/)", SELDOM.join("|"))
}

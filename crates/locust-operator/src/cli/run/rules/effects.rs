//! Flags of what this version does not have: they are accepted, so that a
//! Deployment of the Go operator starts, and said to have no effect.

use super::super::args::RunArgs;

/// One line for each flag that asks for something and gets nothing.
pub(super) fn without_effect(args: &RunArgs) -> Vec<String> {
    let traces = args.zap_stacktrace_level.as_deref().unwrap_or_default();
    let line = format!(
        "--zap-stacktrace-level={traces} has no effect: log lines carry causes, not stack traces"
    );
    if traces.is_empty() {
        Vec::new()
    } else {
        vec![line]
    }
}

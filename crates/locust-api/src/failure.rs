//! What ends a run badly, as a closed set with what a person does about it.

use crate::condition::closed_set;

closed_set! {
    /// What ended a run badly, beside trouble with its pods: for that the reason
    /// is the one of the condition `PodsHealthy`.
    FailureReason {
        /// Requests failed.
        RequestFailures, "Look at `status.results.errors` and at the target.";
        /// A threshold was breached.
        ThresholdBreached, "Look at what it limits: the target, or the threshold.";
        /// The load was stopped: by `spec.desiredState: Stopped`, by the
        /// annotation `locust.io/stop`, or in Locust's web UI.
        Stopped, "Nothing, if it was meant; to run the test again, delete it and create it again.";
        /// The run was not over within `spec.activeDeadlineSeconds`.
        DeadlineExceeded, "Raise `spec.activeDeadlineSeconds`, or lower `--run-time`.";
        /// Not all workers were connected within `spec.startDeadlineSeconds`.
        WorkersNeverConnected, "Read in the message how many there were, and in `PodsHealthy` what kept the others; raise `spec.startDeadlineSeconds`, ask for fewer workers, or set `spec.startPolicy` to StartAnyway.";
        /// The locustfile raised exceptions, cannot be loaded, or Locust failed
        /// by an error of its own.
        LocustfileError, "Correct the locustfile where the message says; `locust-operator local` runs it without a cluster.";
        /// Locust ended with an exit code that the locustfile or the arguments
        /// chose.
        ExitCode, "Find who sets it: `--exit-code-on-error`, or `environment.process_exit_code` in the locustfile.";
        /// The run went through its time without one request.
        NoRequests, "Look at the users' tasks, tags and wait times.";
        /// All workers went away before the end.
        WorkersLost, "Read the message, and the workers' logs: a memory limit, a drained node, a crash.";
        /// The master went away before the end.
        MasterLost, "Read the message: a drained node, a memory limit, a deletion.";
        /// A Job of the run was suspended or deleted by somebody before the end.
        JobDeleted, "Delete the LocustTest and create it again.";
        /// The Jobs of a run that had begun are gone, and how it ended was not
        /// seen.
        ResultUnknown, "Delete the LocustTest and create it again if its result is needed.";
    }
}

#[cfg(test)]
mod tests {
    use super::FailureReason;
    use crate::condition::{ConditionType, Reason};

    #[test]
    fn no_word_means_trouble_with_pods_too() {
        let of_pods = |reason: &&Reason| reason.types().contains(&ConditionType::PodsHealthy);
        for reason in Reason::ALL.iter().filter(of_pods) {
            let same = |failure: &&FailureReason| failure.as_str() == reason.as_str();
            assert_eq!(FailureReason::ALL.iter().find(same), None);
        }
    }
}

//! Condition types and reasons as closed sets, each with its meaning and what
//! a person does about it. One table makes the enums, their documentation and
//! the reference page, so a new one cannot be invented in passing.

/// Makes an enum whose variants are words of the API.
macro_rules! closed_set {
    (
        $(#[$about:meta])*
        $set:ident {
            $( $(#[doc = $meaning:literal])+ $word:ident $(in [$($type_:ident),+])? $(, $remedy:literal)? ; )+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $set {
            $( $(#[doc = $meaning])+ $(#[doc = ""] #[doc = $remedy])? $word, )+
        }

        impl $set {
            /// All of them, in the order of the reference page.
            pub const ALL: &[Self] = &[$(Self::$word),+];

            /// The word as it stands in the status.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$word => stringify!($word), )+
                }
            }

            /// What it says.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $( Self::$word => concat!($($meaning),+), )+
                }
            }
        }

        closed_set!(@remedy $set { $( $word $(, $remedy)? ; )+ });
        closed_set!(@types $set { $( $word $(in [$($type_),+])? ; )+ });
    };
    (@remedy $set:ident { $( $word:ident, $remedy:literal ; )+ }) => {
        impl $set {
            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $( Self::$word => $remedy, )+
                }
            }
        }
    };
    (@types $set:ident { $( $word:ident in [$($type_:ident),+] ; )+ }) => {
        impl $set {
            /// The conditions that can have it.
            pub const fn types(self) -> &'static [ConditionType] {
                match self {
                    $( Self::$word => &[$(ConditionType::$type_),+], )+
                }
            }
        }
    };
    // A set whose words need no remedy, or belong to no condition.
    (@$about:ident $set:ident { $( $word:ident ; )+ }) => {};
}

pub(crate) use closed_set;

closed_set! {
    /// What a condition of a LocustTest is about.
    ConditionType {
        /// All generated objects exist and the test can run.
        Ready;
        /// As many workers as asked for run and are connected, as Locust says;
        /// where it cannot be asked: run.
        WorkersConnected;
        /// The run is over, with the verdict as the reason.
        TestCompleted;
        /// No pod of the test is in trouble.
        PodsHealthy;
        /// The spec was edited after the run began; the edit has no effect.
        SpecDrifted;
        /// The test is on its way to its run: for tools that wait, such as Helm,
        /// Argo CD and Flux. There only while it is true; it repeats the
        /// condition that says why.
        Reconciling;
        /// The test failed, or stays as it is until somebody acts: for tools
        /// that wait. There only while it is true; it repeats the condition that
        /// says why.
        Stalled;
        /// The spec can be run. It is judged until the run begins.
        Accepted;
        /// Locust says how the run goes. If it does not, the run is followed by its
        /// Jobs and pods all the same.
        StatsAvailable;
        /// The numbers keep to `spec.thresholds`: so far while the test runs, and in
        /// the end when it is over. Only there while there are thresholds and
        /// something to compare.
        ThresholdsMet;
        /// The load was made as asked for, so that the numbers speak of the target.
        /// Only there while it is known to be otherwise.
        GeneratorHealthy;
        /// The full results are in all the places that the message names. Only there
        /// once that was tried.
        ResultsStored;
        /// The image can report by OpenTelemetry. Only there while that is
        /// asked for and known to be impossible.
        OpenTelemetryAvailable;
    }
}

closed_set! {
    /// Why a condition has its status.
    Reason {
        /// Objects are being created, or a deleted one again.
        ResourcesCreating in [Ready, Reconciling], "Wait.";
        /// All objects exist.
        ResourcesCreated in [Ready], "Nothing.";
        /// The test failed.
        ResourcesFailed in [Ready], "Read the message of TestCompleted.";
        /// An object of the needed name belongs to somebody else.
        NameConflict in [Ready, ResultsStored, Stalled], "Delete that object, or give the LocustTest another name.";
        /// The API server refuses an object, for example by a quota.
        Refused in [Ready, ResultsStored, Stalled], "Do what the message asks for; the operator tries again every 30 s.";

        /// `spec.desiredState` is Stopped.
        Stopped in [Ready], "Set `spec.desiredState` to Running, or take it out.";
        /// Nothing is created, because the spec is not accepted.
        NotAccepted in [Ready, Stalled], "Correct what the message names: the test then runs by itself.";

        /// The run has not begun.
        WaitingForWorkers in [WorkersConnected], "Wait.";
        /// All workers run.
        AllWorkersConnected in [WorkersConnected], "Nothing.";
        /// Some workers do not run.
        WorkersMissing in [WorkersConnected, GeneratorHealthy], "Wait: lost workers are replaced. PodsHealthy says what keeps them.";
        /// Some workers were not there within `spec.startDeadlineSeconds`, and the
        /// load is started without them (`spec.startPolicy: StartAnyway`).
        StartingWithoutAll in [WorkersConnected], "Nothing, if fewer workers can make the load. PodsHealthy says what keeps the others.";

        /// The run has not ended.
        TestInProgress in [TestCompleted], "Wait.";
        /// The master runs, and nobody has started the load (`autostart: false`).
        WaitingForStart in [TestCompleted], "Start it in the web UI that the message names.";
        /// The master ended well.
        TestSucceeded in [TestCompleted], "Nothing.";
        /// The master ended with an error (failed requests, a broken
        /// locustfile), the master or all workers were lost, or pods stayed in
        /// trouble for longer than the grace.
        TestFailed in [TestCompleted, Stalled], "Mend what the message names, then delete the LocustTest and create it again.";
        /// The Jobs of a run that had begun are gone, and how it ended was not
        /// seen.
        ResultUnknown in [TestCompleted, Stalled], "Delete the LocustTest and create it again if its result is needed.";
        /// A Job of the run was deleted before it ended. The other one is
        /// removed, and nothing is run again.
        JobDeleted in [TestCompleted, Stalled], "Delete the LocustTest and create it again.";

        /// Pods are starting.
        PodsStarting in [PodsHealthy, Reconciling], "Wait.";
        /// No pod is in trouble.
        PodsHealthy in [PodsHealthy], "Nothing.";
        /// A ConfigMap, a Secret or a key of one is missing, or the container's
        /// configuration contradicts itself (`CreateContainerConfigError`).
        ConfigurationError in [PodsHealthy, Reconciling], "Create what the message names; the pods then start by themselves.";
        /// An image cannot be pulled, is not on the node though it may not be
        /// pulled (`imagePullPolicy: Never`), or its name is no image name.
        /// The last ends the test at once: nothing but another spec mends it.
        ImagePullError in [PodsHealthy, Reconciling], "Correct `spec.image`, `imagePullSecrets` or the registry.";
        /// No node takes the pod; the message is the scheduler's.
        SchedulingError in [PodsHealthy, Reconciling], "Add nodes, or ask for less: resources, nodeSelector, affinity, tolerations.";
        /// A container ends again and again, or a worker ended with an error and
        /// its replacement has not run for long yet.
        CrashLoopBackOff in [PodsHealthy, Reconciling], "Read the cause in the message, or the container's log.";
        /// An init container failed, so Locust was not started.
        InitializationError in [PodsHealthy, Reconciling], "Find who adds that container to the pod: an operator, a mesh, an admission policy.";
        /// A container's memory limit was reached and the kernel killed it.
        OOMKilled in [PodsHealthy, Reconciling], "Raise the memory limit of that role, or spread the users over more workers.";
        /// Pods were taken off their node: drained, preempted, or evicted
        /// because the node or the pod's own storage limit ran out.
        Evicted in [PodsHealthy, Reconciling], "If the message names a limit of the pod, raise it; else nothing: workers are replaced.";
        /// A volume other than a missing ConfigMap or Secret cannot be mounted.
        MountError in [PodsHealthy, Reconciling], "Correct the volume that the message names.";
        /// The node cannot make the pod's sandbox: its network or runtime
        /// class does not work there.
        SandboxError in [PodsHealthy, Reconciling], "Correct `runtimeClassName`, or mend the node's network plugin or runtime.";
        /// A container cannot be created or its program not be started.
        StartError in [PodsHealthy, Reconciling], "Read the runtime's words: an image without `locust`, a security profile that the node lacks, mounts that hide programs.";
        /// The Job cannot create its pods: a quota, PodSecurity or another
        /// admission check refuses them.
        PodCreationError in [PodsHealthy, Reconciling], "Raise the quota, or make the pods acceptable: `security`, `resources`.";

        /// The spec was edited after the run began.
        SpecChangeIgnored in [SpecDrifted], "Take the edit back, or delete the LocustTest and create it again.";

        /// Nothing is wrong with the spec.
        Accepted in [Accepted], "Nothing.";
        /// The spec can be run, and something in it may not be meant.
        AcceptedWithWarnings in [Accepted], "Read the message; nothing has to be done.";
        /// No Job can have a name made from that of the test.
        InvalidName in [Accepted], "Create the test under another name.";
        /// A `command` or an image that means nothing.
        InvalidCommand in [Accepted], "Correct the field that the message names.";
        /// Volumes or mounts that no pod can have, or that hide each other.
        InvalidVolumes in [Accepted], "Correct the field that the message names.";
        /// Variables that no container can have.
        InvalidEnvironment in [Accepted], "Correct the field that the message names.";
        /// Requests or limits that no container can have.
        InvalidResources in [Accepted], "Correct the field that the message names; without it in the spec, the operator's default resources.";
        /// Labels or annotations that no pod can have.
        InvalidMetadata in [Accepted], "Correct the field that the message names.";
        /// An affinity, toleration or node selector that no pod can have.
        InvalidScheduling in [Accepted], "Correct the field that the message names.";
        /// A security context that no pod can have.
        InvalidSecurity in [Accepted], "Correct the field that the message names.";
        /// A place for results cannot be used.
        InvalidResults in [Accepted], "Correct the field that the message names.";
        /// A setting of the operator makes an object that Kubernetes refuses.
        InvalidSettings in [Accepted], "Have the operator's administrator correct the setting that the message names.";
        /// Kubernetes refuses an object for what it is; the message holds its
        /// words.
        RefusedByKubernetes in [Accepted], "Correct what the message names. The operator tries again at once then, else every 5 minutes.";

        /// Locust answers.
        Answering in [StatsAvailable], "Nothing.";
        /// Locust runs without its web API (`--headless`).
        Headless in [StatsAvailable], "Take `--headless` out: `autostart` and `autoquit` do the same, and the API stays.";
        /// Locust wants a login (`--web-login`), and there is none for programs.
        AuthRequired in [StatsAvailable], "Take `--web-login` out, and guard the port by a NetworkPolicy.";
        /// What answers is no Locust, or not at this path.
        NotJSON in [StatsAvailable], "Look at what the message says of the answer: `--web-base-path`, or something before Locust in the pod.";
        /// The master does not answer the operator.
        Unreachable in [StatsAvailable], "Let the operator's pods reach port 8089 of the master's: NetworkPolicies, meshes, `--web-host`, `--tls-cert`.";

        /// Every threshold is met.
        AllMet in [ThresholdsMet], "Nothing.";
        /// A threshold is not met by the numbers so far, which counts only if
        /// it stays so.
        NotMetSoFar in [ThresholdsMet], "Wait.";
        /// A threshold was breached: for as long as `forSeconds` says, or by the
        /// numbers of the whole run.
        ThresholdBreached in [ThresholdsMet], "Look at what it limits: the target, or the threshold.";
        /// A threshold could not be compared with anything: its endpoint was never
        /// requested.
        NothingToCompare in [ThresholdsMet], "Correct the endpoint of the threshold that the message names: Locust's table of endpoints has the names.";

        /// Workers went away under load; what they had counted since their last
        /// report is lost.
        WorkersLost in [GeneratorHealthy], "Find out from PodsHealthy or the workers' logs why, and run the test again.";

        /// All workers went away under load, and the load ended with them.
        AllWorkersLost in [GeneratorHealthy], "Find out from PodsHealthy or the workers' logs why, and run the test again.";
        /// Workers used nearly all of their core for 10 s or longer.
        WorkersSaturated in [GeneratorHealthy], "Use more workers, or let each do less: `FastHttpUser`, fewer checks, a higher CPU limit if it is below one core.";
        /// Locust had started all users that it would, and there were fewer than
        /// `--users` asks for.
        UsersMissing in [GeneratorHealthy], "Read the master's log for errors of users that could not start; with a `LoadTestShape`, leave `--users` out.";

        /// They are stored.
        Stored in [ResultsStored], "Read them there: `kubectl get configmap <name>-results -o yaml`.";
        /// The sidecar of the master had not said yet what became of them when
        /// the run was over.
        NotKnown in [ResultsStored], "Look for them where `spec.results` says.";
        /// The master had ended before it could be asked for them.
        NotRead in [ResultsStored], "Raise `spec.master.autoquit.timeout` to 10 s or more; `status.results` has what is known.";

        /// The image's Locust is older than 2.42.4 and does not know `--otel`.
        LocustTooOld in [OpenTelemetryAvailable], "Use a newer image, such as `locustio/locust-otel`.";
        /// The image has no OpenTelemetry SDK: the test runs and reports
        /// nothing.
        ImageWithoutSdk in [OpenTelemetryAvailable], "Use `locustio/locust-otel`, or an image with `locust[otel]`.";
    }
}

#[cfg(test)]
mod tests {
    use super::{ConditionType, Reason};

    #[test]
    fn every_condition_type_has_reasons_and_every_reason_is_told_apart() {
        for type_ in ConditionType::ALL {
            let has_reason = |reason: &&Reason| reason.types().contains(type_);
            assert!(
                Reason::ALL.iter().any(|reason| has_reason(&reason)),
                "{type_:?}"
            );
        }
        let mut meanings: Vec<&str> = Reason::ALL.iter().map(|reason| reason.meaning()).collect();
        meanings.sort_unstable();
        meanings.dedup();
        assert_eq!(
            meanings.len(),
            Reason::ALL.len(),
            "two reasons mean the same"
        );
    }
}

//! Whether somebody asks for a test to be stopped: by its spec, or by an
//! annotation, which both versions of the API have.

use locust_api::latest::{DesiredState, LocustTest};
use locust_api::names::ANNOTATION_STOP;

/// What asks for a test to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRequest {
    /// Its spec.
    Field,
    /// An annotation, the only way that v1 has.
    Annotation,
}

impl StopRequest {
    /// What is asked, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Field => "spec.desiredState is Stopped",
            Self::Annotation => "the annotation locust.io/stop is true",
        }
    }
}

/// What asks for the test to be stopped, if anything does. The field comes first.
pub fn stop_request(test: &LocustTest) -> Option<StopRequest> {
    if test.spec.desired_state == Some(DesiredState::Stopped) {
        return Some(StopRequest::Field);
    }
    let annotations = test.metadata.annotations.as_ref()?;
    let is_set = annotations
        .get(ANNOTATION_STOP)
        .is_some_and(|value| value == "true");
    is_set.then_some(StopRequest::Annotation)
}

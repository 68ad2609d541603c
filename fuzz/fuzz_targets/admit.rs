//! AdmissionReviews, or what somebody sends as one.

#![no_main]

libfuzzer_sys::fuzz_target!(|asked: &[u8]| fuzz::judge_admission(asked));

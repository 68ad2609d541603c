//! Logs of the operator.

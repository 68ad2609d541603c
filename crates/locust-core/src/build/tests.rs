//! Tests of the objects.

mod acceptance;
mod storage;

//! Tests of the objects.

mod acceptance;

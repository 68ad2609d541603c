//! A small HTTP server whose answers are chosen and whose requests are counted.

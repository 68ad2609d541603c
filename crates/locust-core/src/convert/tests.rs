//! Conversion: what maps to what, that nothing is lost, and that edits win.

mod bad;
mod edits;
mod golden;
mod identity;
mod made;

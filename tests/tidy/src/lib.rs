//! The rules of the house, as tests: layers, sizes, documents. Here: how they see the workspace. Each rule is one test in
//! `tests/`, and its message says what to do.

pub mod files;
pub mod packages;

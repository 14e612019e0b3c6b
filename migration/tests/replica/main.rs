//! What holders of replicas believe, what a recovering hoster believes, and the bytes between them.

#![allow(clippy::unwrap_used, reason = "a test: a panic is its answer")]

mod access;
mod compare;
mod messages;
mod people;

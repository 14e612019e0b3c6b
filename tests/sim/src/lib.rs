//! A thousand directories in one process, in virtual time. What it models and what not is in the README.

pub mod dice;
pub mod hoster;
pub mod mesh;
pub mod report;
pub mod world;

pub use mesh::{Faults, Mesh, Mutes, Weather};
pub use world::World;

//! The program `neigh` against the running kernel: each test in namespaces of its own.

mod ending;
mod host;
mod show;
mod world;
mod wrong;

//! The program `neigh` against the running kernel: each test in namespaces of its own.

mod client;
mod commands;
mod cves;
mod ending;
mod golden;
mod host;
mod lasting;
mod scan;
mod show;
mod twin;
mod watch;
mod world;
mod wrong;

//! Attacks with the tools that attackers use, each against `neigh run` with a living host of the kernel beside it: what
//! is promised is stated in the test's name, and tried. `.ci/run` installs the tools; elsewhere those that are missing
//! are skipped with a word.

#[path = "../run/world.rs"]
#[allow(dead_code, reason = "the tests of the program use more of it")]
mod world;

mod floods;
mod impostors;
mod malformed;
mod stage;

//! Tells the code for which target it is built, which the fuzzer's build has to name, and by which compiler, on which
//! counts of instructions depend.

use std::process::Command;

fn main() {
    println!("cargo::rustc-env=XTASK_HOST={}", std::env::var("TARGET").expect("cargo sets TARGET"));
    let rustc = std::env::var("RUSTC").expect("cargo sets RUSTC");
    let version = Command::new(rustc).arg("--version").output().expect("the compiler says its version");
    println!("cargo::rustc-env=XTASK_RUSTC={}", String::from_utf8_lossy(&version.stdout).trim());
}

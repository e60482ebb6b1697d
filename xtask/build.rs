//! Tells the code for which target it is built, which the fuzzer's build has to name.

fn main() {
    println!("cargo::rustc-env=XTASK_HOST={}", std::env::var("TARGET").expect("cargo sets TARGET"));
}

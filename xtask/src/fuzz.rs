//! `cargo xtask fuzz`: the fuzz targets, on any toolchain.
//!
//! `cargo fuzz` wants a nightly compiler; the instrumentation itself is a pass of LLVM that a stable one
//! has, too. Seeds are the frames recorded from a kernel.

use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

/// What a target wants to be fed with.
#[derive(Clone, Copy)]
enum Seed {
    /// The ARP packet of a frame.
    Arp,
    /// The IPv6 packet of a frame.
    Ipv6,
    /// The whole frame, as one step of a sequence.
    Frame,
    /// Bytes that it finds by itself.
    Nothing,
}

const TARGETS: [(&str, Seed); 4] =
    [("arp", Seed::Arp), ("ndisc", Seed::Ipv6), ("handle_frame", Seed::Frame), ("ops", Seed::Nothing)];

const TRIPLE: &str = concat!(env!("XTASK_HOST"));

const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Seconds for each target.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u32,
    /// This target alone: arp, ndisc, handle_frame or ops.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
}

/// Builds the targets and runs them; an input that crashes one is printed by the fuzzer and kept in
/// `fuzz/artifacts`.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in the repository")?;
    let fuzz = root.join("fuzz");
    let chosen: Vec<_> =
        TARGETS.iter().filter(|(name, _)| options.target.as_deref().is_none_or(|t| t == *name)).collect();
    if chosen.is_empty() {
        bail!("there is no fuzz target {:?}; there are arp, ndisc, handle_frame and ops", options.target);
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--target", TRIPLE])
        .current_dir(&fuzz)
        .env("RUSTFLAGS", FLAGS)
        .status()
        .context("running cargo")?;
    if !built.success() {
        bail!("the fuzz targets do not build");
    }
    let frames = recorded_frames(&root.join("testdata/oracle/kernel.jsonl"))?;
    for (name, seed) in chosen {
        let corpus = fuzz.join("corpus").join(name);
        let artifacts = fuzz.join("artifacts").join(name);
        std::fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
        std::fs::create_dir_all(&artifacts).with_context(|| format!("making {}", artifacts.display()))?;
        plant(&corpus, &frames, *seed)?;
        let output = Command::new(fuzz.join("target").join(TRIPLE).join("release").join(name))
            .arg(&corpus)
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(["-max_len=4096", "-print_final_stats=1"])
            .current_dir(&fuzz)
            .output()
            .with_context(|| format!("running the target {name}"))?;
        let log = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            tail.into_iter().rev().for_each(|line| eprintln!("{line}"));
            bail!("{name} found an input that crashes; it stands in {}", artifacts.display());
        }
        let runs = log.lines().find_map(|l| l.strip_prefix("stat::number_of_executed_units:")).unwrap_or("?");
        println!("{name}: {} inputs in {} s, none crashes", runs.trim(), options.seconds);
    }
    Ok(())
}

/// The frames of the recorded rows.
fn recorded_frames(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let hex = |line: &str| -> Option<Vec<u8>> {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        let digits = row.get("frame_hex")?.as_str()?;
        (0..digits.len() / 2).map(|i| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()).collect()
    };
    Ok(text.lines().filter_map(hex).collect())
}

/// Writes a seed for each frame that suits.
fn plant(corpus: &Path, frames: &[Vec<u8>], seed: Seed) -> anyhow::Result<()> {
    for (n, frame) in frames.iter().enumerate() {
        let of_type = |ethertype: [u8; 2]| {
            frame.get(12..14).is_some_and(|t| t == ethertype).then(|| frame[14..].to_vec())
        };
        let bytes = match seed {
            Seed::Arp => of_type([0x08, 0x06]),
            Seed::Ipv6 => of_type([0x86, 0xdd]),
            Seed::Nothing => None,
            Seed::Frame => {
                u8::try_from(frame.len()).ok().map(|len| [&[len, 0x60], frame.as_slice()].concat())
            }
        };
        if let Some(bytes) = bytes {
            let path = corpus.join(format!("recorded-{n:04}"));
            std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

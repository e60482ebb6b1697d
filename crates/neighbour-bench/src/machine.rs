//! On what it was measured.

use crate::clock;
use serde::{Deserialize, Serialize};
use std::fs;

/// The machine, as far as it matters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, and how many of it we may use.
    pub processor: String,
    /// Caches of one processor, small to large.
    pub caches: String,
    /// Megabytes of memory.
    pub memory: u64,
    /// The kernel.
    pub kernel: String,
    /// Which pages the tables stand in.
    pub pages: String,
    /// Whether the threads could be pinned.
    pub pinned: bool,
    /// Programs that wanted a processor when it began.
    pub load: String,
    /// How this program was built.
    pub build: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let processors = clock::processors();
        let cpu = read("/proc/cpuinfo");
        let name = field(&cpu, "model name").or_else(|| field(&cpu, "CPU part")).unwrap_or("unknown");
        Self {
            processor: format!("{} × {name}", processors.len()),
            caches: caches(processors.first().copied().unwrap_or(0)),
            memory: field(&read("/proc/meminfo"), "MemTotal").map_or(0, kilobytes) / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            pages: pages(),
            // In a thread of its own: who asks stays free.
            pinned: std::thread::spawn(clock::pin_to_last).join().unwrap_or(false),
            load: read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned(),
            build: format!(
                "{} {}",
                std::env::consts::ARCH,
                if cfg!(debug_assertions) { "debug: figures mean nothing" } else { "release" }
            ),
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn kilobytes(text: &str) -> u64 {
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn caches(processor: usize) -> String {
    let of = |index: usize, name: &str| {
        read(&format!("/sys/devices/system/cpu/cpu{processor}/cache/index{index}/{name}")).trim().to_owned()
    };
    let caches: Vec<String> = (0..8)
        .filter(|index| matches!(of(*index, "type").as_str(), "Data" | "Unified"))
        .map(|index| format!("L{} {}", of(index, "level"), of(index, "size")))
        .collect();
    if caches.is_empty() { "unknown".into() } else { caches.join(", ") }
}

fn pages() -> String {
    let transparent = read("/sys/kernel/mm/transparent_hugepage/enabled");
    let chosen = transparent.split(['[', ']']).nth(1).unwrap_or("absent");
    let asked = std::env::var("GLIBC_TUNABLES").is_ok_and(|tunables| tunables.contains(HUGE_TUNABLE));
    match (chosen, asked) {
        ("always", _) => "2 MiB where the kernel has them (transparent: always), for all alike".into(),
        ("madvise", true) => "2 MiB where the kernel has them (asked for by every allocation)".into(),
        (how, _) => format!("4 KiB (transparent huge pages: {how}; nobody's allocator asks for them)"),
    }
}

/// The tunable of the GNU C library by which every large allocation asks for huge pages.
pub const HUGE_TUNABLE: &str = "glibc.malloc.hugetlb=1";

//! `neigh demo`, run as a user runs it: with the kernel as its peer, in memory, and with the link cut.
//!
//! Where the kernel cannot be the peer those tests say so and pass, except under `CI`.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// How many steps there are for each family.
const STEPS: usize = 14;

/// What a run said.
struct Outcome {
    code: Option<i32>,
    summary: Value,
    errors: String,
}

impl Outcome {
    /// Runs a command that ends in `neigh demo --json`.
    #[track_caller]
    fn of(command: &mut Command) -> Self {
        let output = command.output().expect("the program starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}\n{errors}"));
        Self { code: output.status.code(), summary, errors }
    }

    /// The names of the steps that are missing, with their family.
    fn missing(&self) -> Vec<String> {
        let steps = self.summary["steps"].as_array().expect("steps are listed");
        assert_eq!(steps.len(), 2 * STEPS);
        let missing = steps.iter().filter(|step| step["ok"] != true);
        let word = |value: &Value| value.as_str().expect("names are text").to_owned();
        missing.map(|step| format!("{} {}", word(&step["family"]), word(&step["step"]))).collect()
    }

    #[track_caller]
    fn saw_all(&self) {
        let Self { code, summary, errors } = self;
        assert_eq!((code, self.missing().is_empty()), (&Some(0), true), "{summary:#}\n{errors}");
    }

    fn by_kernel(&self) -> bool {
        self.summary["peer"] == "kernel"
    }

    fn seconds(&self) -> f64 {
        self.summary["seconds"].as_f64().expect("its duration is a number")
    }
}

fn neigh(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neigh"));
    command.args(["demo", "--json"]).args(arguments);
    command
}

#[track_caller]
fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{reason}");
    println!("skipped: {reason}");
}

#[test]
fn with_the_kernel_as_peer_all_is_seen_in_under_twenty_seconds() {
    let outcome = Outcome::of(&mut neigh(&[]));
    outcome.saw_all();
    if !outcome.by_kernel() {
        return skip(&outcome.errors);
    }
    assert_eq!(outcome.summary["time"], "real");
    assert!(outcome.seconds() < 20.0, "{}", outcome.summary);
}

#[test]
fn in_memory_all_is_seen_whatever_the_seed() {
    for seed in 0..100 {
        let outcome = Outcome::of(&mut neigh(&["--memory", "--seed", &seed.to_string()]));
        println!("seed {seed}");
        outcome.saw_all();
        assert_eq!(
            (&outcome.summary["peer"], &outcome.summary["time"]),
            (&"second engine".into(), &"simulated".into())
        );
        assert!(outcome.seconds() < 20.0, "{}", outcome.summary);
    }
}

#[test]
fn a_run_in_memory_is_repeated_by_its_seed() {
    let run = || neigh(&["--memory", "--seed", "7"]).output().unwrap().stdout;
    assert_eq!(run(), run());
}

#[test]
fn the_story_is_told_in_lines_and_ends_with_a_list() {
    let output = Command::new(env!("CARGO_BIN_EXE_neigh")).args(["demo", "--memory"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "ARP who-has 192.0.2.1 tell 192.0.2.2 (broadcast)",
        "NS  who-has 2001:db8::1 tell 2001:db8::2 (multicast 33:33:ff:00:00:01)",
        "ok       IPv4  FAILED",
        "All 28 steps were seen",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains('\x1b'), "it is readable without colour");
}

#[test]
fn with_the_link_to_the_kernel_cut_it_fails_and_names_what_is_missing() {
    let outcome = Outcome::of(&mut neigh(&["--fault", "cut"]));
    assert_eq!(outcome.code, Some(1), "{}", outcome.errors);
    assert_eq!(outcome.missing().len(), 2 * STEPS, "{}", outcome.summary);
    if !outcome.by_kernel() {
        skip(&outcome.errors);
    }
}

#[test]
fn a_question_that_is_not_heard_and_an_answer_that_is_not_heard_differ() {
    let out = Outcome::of(&mut neigh(&["--memory", "--fault", "cut-out"]));
    assert_eq!((out.code, out.missing().len()), (Some(1), 2 * STEPS));
    // Here question and answer are on the wire, but the packet never is.
    let inward = Outcome::of(&mut neigh(&["--memory", "--fault", "cut-in"]));
    assert_eq!(inward.code, Some(1));
    assert!(inward.missing().contains(&"IPv4 delivered".to_owned()), "{}", inward.summary);
    assert!(!inward.missing().contains(&"IPv4 solicitation".to_owned()), "{}", inward.summary);
}

#[test]
fn a_cut_at_any_time_is_noticed() {
    let whole = Outcome::of(&mut neigh(&["--memory", "--seed", "3"])).seconds();
    for tenths in (0..).step_by(3).take_while(|tenths| f64::from(*tenths) / 10.0 < whole) {
        let fault = format!("cut@{}", f64::from(tenths) / 10.0);
        let outcome = Outcome::of(&mut neigh(&["--memory", "--seed", "3", "--fault", &fault]));
        assert_eq!(outcome.code, Some(1), "{fault}: {:#}", outcome.summary);
        assert!(!outcome.missing().is_empty(), "{fault}");
    }
}

#[test]
fn what_is_no_fault_is_a_wrong_argument() {
    let output = neigh(&["--fault", "scissors"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("--fault") && errors.contains("scissors"), "{errors}");
}

/// An ordinary user needs no more than root, but for `/dev/net/tun`, which some machines keep closed.
#[test]
fn an_ordinary_user_sees_all_and_is_told_why_without_the_kernel() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can become an ordinary user");
    }
    let program = Copied::new("user");
    let mut command = Command::new(&program.0);
    command.args(["demo", "--json"]).uid(65534).gid(65534).current_dir("/");
    let outcome = Outcome::of(&mut command);
    outcome.saw_all();
    let mode = std::fs::metadata("/dev/net/tun").map_or(0, |tun| tun.permissions().mode());
    if mode & 0o006 == 0o006 {
        assert!(outcome.by_kernel(), "{}", outcome.errors);
    } else {
        assert!(!outcome.by_kernel());
        assert!(outcome.errors.contains("/dev/net/tun"), "{}", outcome.errors);
    }
}

#[test]
fn where_namespaces_are_forbidden_it_says_why_and_plays_in_memory() {
    let program = env!("CARGO_BIN_EXE_neigh");
    // The limits of a user namespace bind those within, root or not.
    let script = "cd /proc/sys/user && echo 0 > max_user_namespaces && echo 0 > max_net_namespaces \
                  && echo '{}' && exec \"$0\" demo --json";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", script, program]);
    let Ok(output) = command.output() else { return skip("there is no unshare(1)") };
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let Some(summary) = text.strip_prefix("{}\n") else {
        return skip(&format!("no such namespace: {errors}"));
    };
    let outcome = Outcome {
        code: output.status.code(),
        summary: serde_json::from_str(summary).expect("a summary"),
        errors: errors.into_owned(),
    };
    outcome.saw_all();
    assert!(!outcome.by_kernel());
    assert!(
        outcome.errors.contains("unshare") && outcome.errors.contains("max_user_namespaces"),
        "{}",
        outcome.errors
    );
}

/// The program where any user may run it.
struct Copied(PathBuf);

impl Copied {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("neigh-demo-{name}-{}", std::process::id()));
        // By another process: a program that this one has open for writing cannot be started, nor while a child that
        // another test has just forked has it open still.
        let copied =
            Command::new("install").args(["-m", "755", env!("CARGO_BIN_EXE_neigh")]).arg(&path).status();
        assert!(copied.is_ok_and(|status| status.success()), "the program can be copied");
        Self(path)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

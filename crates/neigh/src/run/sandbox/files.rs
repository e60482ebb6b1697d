//! Files: the directories of the configuration, of the state and of the socket, and no others.

use super::Needs;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
    path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// The newest that is asked for; an older kernel does what it can.
const ABI_ASKED: ABI = ABI::V6;

/// Where the lists of users and groups may stand, and the modules that read them.
const USERS_AND_GROUPS: [&str; 9] = [
    "/etc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/var/lib/sss",
    "/var/lib/extrausers",
    "/run/systemd/userdb",
    "/run/nscd",
];

/// Says what holds, or why nothing does.
pub(super) fn restrict(needs: &Needs) -> Result<String, String> {
    let told = apply(needs).map_err(|error| error.to_string())?;
    match (told.ruleset, told.landlock) {
        (RulesetStatus::FullyEnforced, _) => Ok("all that was asked for".into()),
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            Ok(format!("as far as this kernel can (Landlock {effective_abi:?}, asked for {ABI_ASKED:?})"))
        }
        (_, LandlockStatus::NotEnabled) => {
            Err("this kernel has it switched off (boot with lsm=landlock,...)".into())
        }
        (_, LandlockStatus::NotImplemented) => {
            Err("this kernel does not have it (Linux 5.13 or later)".into())
        }
        (status, _) => Err(format!("this kernel enforces nothing ({status:?})")),
    }
}

fn apply(needs: &Needs) -> Result<RestrictionStatus, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let write = make_bitflags!(AccessFs::{ReadFile | WriteFile | MakeReg | RemoveFile | Truncate});
    let remove: BitFlags<AccessFs> = AccessFs::RemoveFile.into();
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI_ASKED))?
        .handle_access(AccessNet::from_all(ABI_ASKED))?
        .scope(Scope::from_all(ABI_ASKED))?
        .create()?
        .add_rules(path_beneath_rules([directory(&needs.socket)], remove))?;
    for (file, access) in [(&needs.config, read), (&needs.state, write)] {
        let Some(file) = file else { continue };
        ruleset = ruleset.add_rules(path_beneath_rules([directory(file)], access))?;
        // A link to elsewhere.
        if let Ok(behind) = file.canonicalize() {
            ruleset = ruleset.add_rules(path_beneath_rules([directory(&behind)], read))?;
        }
    }
    if needs.groups {
        ruleset = ruleset.add_rules(path_beneath_rules(USERS_AND_GROUPS, read))?;
    }
    ruleset.restrict_self()
}

/// Where a file stands.
fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

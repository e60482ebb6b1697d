//! Who may change the table by the control socket: NL-6, with users in the place of capabilities.

use crate::failure::Failure;
use nix::sys::socket::UnixCredentials;
use nix::unistd::{Gid, Group, Uid, User, chown, geteuid, getgrouplist};
use std::ffi::CString;
use std::path::Path;

/// Root, the daemon's own user and the members of a group may change; everybody may read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Access {
    users: Vec<Uid>,
    group: Option<Gid>,
}

impl Access {
    /// With the group of this name, if one is given.
    pub(super) fn new(group: Option<&str>) -> Result<Self, Failure> {
        let group = group.map(gid).transpose()?;
        Ok(Self { users: vec![Uid::from_raw(0), geteuid()], group })
    }

    /// Loads what the lists of users and groups are read with, while programs and libraries can still be loaded.
    pub(super) fn prepare(&self) {
        if self.group.is_some() {
            let nobody = User::from_uid(Uid::from_raw(u32::MAX - 1));
            let groups = getgrouplist(c"root", Gid::from_raw(0));
            tracing::debug!("users and groups can be asked about: {}", nobody.is_ok() && groups.is_ok());
        }
    }

    /// The socket's file shows the group; a daemon that is no member of it cannot do that, and it changes nothing.
    pub(super) fn show(&self, path: &Path) {
        if let Some(group) = self.group
            && let Err(error) = chown(path, None, Some(group))
        {
            tracing::debug!("{}: its group stays as it is: {error}", path.display());
        }
    }

    /// May this client change anything?
    pub(super) fn may_change(&self, client: &UnixCredentials) -> bool {
        let (uid, gid) = (Uid::from_raw(client.uid()), Gid::from_raw(client.gid()));
        self.users.contains(&uid)
            || self.group.is_some_and(|group| group == gid || is_member(uid, gid, group))
    }
}

/// By the lists of users and groups as they are now.
fn is_member(uid: Uid, gid: Gid, group: Gid) -> bool {
    let Ok(Some(user)) = User::from_uid(uid) else { return false };
    let Ok(name) = CString::new(user.name) else { return false };
    getgrouplist(&name, gid).is_ok_and(|groups| groups.contains(&group))
}

fn gid(name: &str) -> Result<Gid, Failure> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => {
            let what = format!("--group {name}: there is no such group");
            Err(Failure::new(what, "`getent group` lists them; `groupadd` makes one"))
        }
        Err(error) => {
            let what = format!("--group {name}: the groups cannot be read: {error}");
            Err(Failure::new(what, "see that /etc/group can be read"))
        }
    }
}

#[cfg(test)]
impl Access {
    /// For nobody but a group.
    pub(super) fn of(group: Option<Gid>) -> Self {
        Self { users: Vec::new(), group }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_not_there_is_named() {
        let error = Access::new(Some("no-such-group-here")).unwrap_err().to_string();
        assert!(error.contains("--group no-such-group-here") && error.contains("no such group"), "{error}");
        assert!(Access::new(Some("root")).is_ok());
    }

    #[test]
    fn membership_is_looked_up() {
        let root = Gid::from_raw(0);
        assert!(is_member(Uid::from_raw(0), root, root));
        assert!(!is_member(Uid::from_raw(0), root, Gid::from_raw(54_321)));
        assert!(
            !is_member(Uid::from_raw(54_321), Gid::from_raw(54_321), root),
            "an unknown user is no member"
        );
    }
}

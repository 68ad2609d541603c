//! New namespaces for the calling process, as root or as anybody.

use std::fmt;
use std::fs;
use std::str::FromStr;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};

use super::Isolation;
use super::exec::ExecError;

/// User and group of the person who runs the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    user: u32,
    group: u32,
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.user, self.group)
    }
}

impl FromStr for Ids {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(':').and_then(|(user, group)| {
            Some(Self {
                user: user.parse().ok()?,
                group: group.parse().ok()?,
            })
        });
        numbers.ok_or_else(|| format!("{text:?} is not USER:GROUP"))
    }
}

/// Enters the namespaces that `isolation` needs. Root needs no user namespace,
/// unless it is root in a container only. Returns who the process was if it is
/// now root inside of a user namespace.
pub(super) fn enter(isolation: Isolation) -> Result<Option<Ids>, ExecError> {
    let ids = Ids {
        user: getuid().as_raw(),
        group: getgid().as_raw(),
    };
    let flags = match isolation {
        Isolation::Full => CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID,
        Isolation::Mounts => CloneFlags::CLONE_NEWNS,
        Isolation::None => return Ok(None),
    };
    if ids.user == 0 {
        match unshare(flags) {
            Ok(()) => return Ok(None),
            Err(Errno::EPERM) => {}
            Err(errno) => return Err(ExecError::nix("enter a mount namespace")(errno)),
        }
    }
    unshare(flags | CloneFlags::CLONE_NEWUSER).map_err(ExecError::nix("enter a user namespace"))?;
    let root = Ids { user: 0, group: 0 };
    map(root, ids)?;
    Ok((ids != root).then_some(ids))
}

/// Root of a user namespace becomes the person again, in a namespace below. It
/// has to be done after all mounting, and before any thread is started.
pub(super) fn become_again(ids: Option<Ids>) -> Result<(), ExecError> {
    let Some(ids) = ids else { return Ok(()) };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(ExecError::nix("enter a second user namespace"))?;
    map(ids, Ids { user: 0, group: 0 })
}

fn map(inside: Ids, outside: Ids) -> Result<(), ExecError> {
    // Without this the kernel lets nobody map a group.
    write("setgroups", "deny")?;
    write("uid_map", &format!("{} {} 1", inside.user, outside.user))?;
    write("gid_map", &format!("{} {} 1", inside.group, outside.group))
}

fn write(file: &str, content: &str) -> Result<(), ExecError> {
    let path = format!("/proc/self/{file}");
    fs::write(&path, content).map_err(ExecError::new(format_args!("write {path}")))
}

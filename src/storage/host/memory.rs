//! How much memory the system allows this process.
//!
//! On Linux that is the machine's memory, or the least limit of the control groups that the process is in: of a container, a
//! service, a batch job. Both versions of control groups are read. Other systems do not tell a program without calls into the
//! system; there the caller may know (`OpenOptions::system_memory`).

use std::path::{Component, Path, PathBuf};

use super::real_vfs::RealVfs;
use super::vfs::{OpenMode, Vfs};

const MACHINE: &str = "proc/meminfo";
const GROUPS: &str = "proc/self/cgroup";
/// Where control groups are, by version.
const V1: &str = "sys/fs/cgroup/memory";
const V2: &str = "sys/fs/cgroup";
/// Longer files are not those that are expected.
const LONGEST: usize = 64 << 10;

/// Bytes of memory that this process may use; `None` where the system does not say.
pub fn allowed() -> Option<u64> {
    if cfg!(target_os = "linux") { allowed_below(Path::new("/")) } else { None }
}

/// [`allowed`], as the files below this directory say.
fn allowed_below(root: &Path) -> Option<u64> {
    let machine = of_machine(&text(&root.join(MACHINE))?)?;
    let groups = text(&root.join(GROUPS)).unwrap_or_default();
    let limits = groups.lines().flat_map(|line| of_group(root, line));
    Some(limits.fold(machine, u64::min))
}

/// `MemTotal:       24576000 kB`
fn of_machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// The limits of a group and of those that it is in: `4:memory:/docker/12ab` of version 1, `0::/user.slice` of version 2.
fn of_group(root: &Path, line: &str) -> Vec<u64> {
    let mut parts = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (mount, names): (_, &[&str]) = match controllers {
        "" => (root.join(V2), &["memory.max", "memory.high"]),
        _ if controllers.split(',').any(|one| one == "memory") => (root.join(V1), &["memory.limit_in_bytes"]),
        _ => return Vec::new(),
    };
    // In a container the path may be that outside of it: the root of what is mounted is the container's then.
    let within = Path::new(group).components().filter(|part| matches!(part, Component::Normal(_)));
    let mut directory = mount.join(within.collect::<PathBuf>());
    let mut limits = Vec::new();
    while directory.starts_with(&mount) {
        // "max" is no limit.
        let read = |name: &&str| text(&directory.join(name))?.trim().parse::<u64>().ok();
        limits.extend(names.iter().filter_map(read).filter(|limit| *limit > 0));
        directory.pop();
    }
    limits
}

/// A file of the system's, which has no length.
fn text(path: &Path) -> Option<String> {
    let file = RealVfs.open(path, OpenMode::Read).ok()?;
    let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
    while bytes.len() < LONGEST {
        match file.read_at(bytes.len() as u64, &mut part).ok()? {
            0 => break,
            read => bytes.extend_from_slice(part.get(..read)?),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1_024;

    /// What the system allows whose files these are.
    fn allows(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            let above: Vec<_> = path.ancestors().skip(1).collect();
            // Those that exist are left as they are.
            above.iter().rev().for_each(|directory| drop(RealVfs.create_dir(directory)));
            let file = RealVfs.open(&path, OpenMode::Create).unwrap();
            file.write_at(0, text.as_bytes()).unwrap();
        }
        allowed_below(root.path())
    }

    #[test]
    fn this_machine_allows_some_memory_where_the_system_says_how_much() {
        assert_eq!(allowed().is_some(), cfg!(target_os = "linux"));
        assert!(allowed().is_none_or(|bytes| bytes > 16 << 20));
    }

    #[test]
    fn a_machine_allows_what_it_has_and_an_unknown_one_nothing() {
        let machine = ("proc/meminfo", "MemFree:  5 kB\nMemTotal:       24576000 kB\n");
        assert_eq!(allows(&[machine]), Some(24_576_000 * KIB));
        assert_eq!(allows(&[machine, ("proc/self/cgroup", "0::/\n")]), Some(24_576_000 * KIB));
        assert_eq!(allows(&[("proc/meminfo", "MemTotal: much kB")]), None);
        assert_eq!(allows(&[]), None);
    }

    #[test]
    fn the_least_limit_of_the_control_groups_of_either_version_holds() {
        let machine = ("proc/meminfo", "MemTotal: 1000 kB\n");
        let second = ("proc/self/cgroup", "0::/a.slice/b.service\n");
        let of = |path, text| allows(&[machine, second, (path, text)]);
        assert_eq!(of("sys/fs/cgroup/a.slice/b.service/memory.max", "5000\n"), Some(5_000));
        assert_eq!(of("sys/fs/cgroup/a.slice/memory.high", "6000\n"), Some(6_000));
        // A container sees its own group as the root.
        assert_eq!(of("sys/fs/cgroup/memory.max", "7000\n"), Some(7_000));
        assert_eq!(of("sys/fs/cgroup/memory.max", "max\n"), Some(1_000 * KIB));
        assert_eq!(of("sys/fs/cgroup/memory.max", "9223372036854771712\n"), Some(1_000 * KIB));
        assert_eq!(of("sys/fs/cgroup/other/memory.max", "5000\n"), Some(1_000 * KIB));
        let first = ("proc/self/cgroup", "5:cpu,cpuacct:/\n4:hugetlb,memory:/docker/12\n0::/\n");
        let of = |path, text| allows(&[machine, first, (path, text)]);
        assert_eq!(of("sys/fs/cgroup/memory/docker/12/memory.limit_in_bytes", "5000\n"), Some(5_000));
        assert_eq!(of("sys/fs/cgroup/memory/memory.limit_in_bytes", "6000\n"), Some(6_000));
        assert_eq!(of("sys/fs/cgroup/cpu/memory.limit_in_bytes", "6000\n"), Some(1_000 * KIB));
    }
}

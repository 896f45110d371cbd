//! The TPM's device: whether it is there, may be used, and by what driver.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use nix::{
    errno::Errno,
    unistd::{AccessFlags, access},
};
use selfsame_dbus::Check;

use super::{State, check};
use crate::entropy::tpm::{SYSFS, Tcti};

/// Looks at the device that `tcti` names; of a simulator there is none.
pub(super) fn look(tcti: &Tcti) -> Check {
    look_in(tcti, Path::new(SYSFS))
}

fn look_in(tcti: &Tcti, sysfs: &Path) -> Check {
    let Some(path) = tcti.device() else {
        let finding = format!("{tcti}: a simulator or a resource manager, no device");
        return check("tpm", State::Info, finding, "");
    };
    let shown = path.display();
    if let Err(errno) = access(path, AccessFlags::R_OK | AccessFlags::W_OK) {
        let (finding, remedy) = match errno {
            Errno::ENOENT => (
                format!("{shown} is not there"),
                "enable the TPM in the firmware's settings (it may be called fTPM or PTT), or give the virtual \
                 machine one; or take \"tpm\" out of `sources`"
                    .to_owned(),
            ),
            Errno::EACCES => (
                format!("{shown} may not be used{}", owned(path)),
                "install package tpm-udev, so that its group is tss, and put the agent's user into group tss: \
                 usermod -aG tss _selfsame"
                    .to_owned(),
            ),
            _ => (format!("{shown}: {}", errno.desc()), "look into the kernel's log: journalctl -k -g tpm".to_owned()),
        };
        return check("tpm", State::Fail, finding, remedy);
    }
    if !fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device()) {
        return check("tpm", State::Fail, format!("{shown} is no character device"), "correct `tcti`");
    }
    let interface = driver(path, sysfs).map(|driver| format!(", interface {driver}")).unwrap_or_default();
    if tcti.has_resource_manager() {
        let finding = format!("{shown} may be used{interface}, through the kernel's resource manager");
        return check("tpm", State::Ok, finding, "");
    }
    let finding = format!(
        "{shown} may be used{interface}, without a resource manager: nobody else can use it meanwhile"
    );
    check("tpm", State::Warn, finding, "set `tcti` to the device /dev/tpmrm0")
}

/// Whose a file is, where that can be told.
fn owned(path: &Path) -> String {
    fs::metadata(path)
        .map(|found| {
            format!(": mode {:o}, user {}, group {}", found.mode() & 0o7777, found.uid(), found.gid())
        })
        .unwrap_or_default()
}

/// The driver of a TPM's device, such as `tpm_tis` or `tpm_crb`.
fn driver(device: &Path, sysfs: &Path) -> Option<String> {
    let name = device.file_name()?.to_str()?.replace("tpmrm", "tpm");
    let driver = fs::read_link(sysfs.join(name).join("device/driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

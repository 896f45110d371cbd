//! The source against files and pipes in place of the kernel's.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    thread,
};

use nix::{
    sys::stat::Mode,
    unistd::{Uid, mkfifo, setfsuid},
};
use tempfile::TempDir;

use super::*;

/// A kernel with a generator of this name, whose device is not there yet.
fn kernel(current: &str) -> (TempDir, HwrngPaths) {
    let dir = TempDir::new().unwrap();
    let paths = HwrngPaths { device: dir.path().join("hwrng"), current: dir.path().join("rng_current") };
    fs::write(&paths.current, current).unwrap();
    (dir, paths)
}

fn source(paths: &HwrngPaths) -> Hwrng {
    match detect(paths) {
        Detected::Source(source) => source,
        other => panic!("{other:?}"),
    }
}

/// What a draw of 32 bytes comes to.
fn draw(source: &mut Hwrng) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; 32];
    source.draw(&mut bytes).map(|()| bytes).map_err(|error| error.to_string())
}

#[test]
fn a_generator_is_named_and_classed() {
    for (current, name, class) in [
        ("optee-rng\n", "hwrng:optee-rng", Class::Tee),
        ("ccp-1-rng\n", "hwrng:ccp-1-rng", Class::Tee),
        ("virtio_rng.0\n", "hwrng:virtio_rng.0", Class::Platform),
        ("3f104000.rng\n", "hwrng:3f104000.rng", Class::Platform),
    ] {
        let (_dir, paths) = kernel(current);
        let source = source(&paths);
        assert_eq!((source.name(), source.class()), (name, class));
    }
    let (_dir, paths) = kernel(&"x".repeat(58));
    assert_eq!(source(&paths).name().len(), 64);
}

#[test]
fn a_tpm_is_not_counted_twice() {
    let (_dir, paths) = kernel("tpm-rng-0\n");
    assert!(matches!(detect(&paths), Detected::SameAsTpm { name } if name == "tpm-rng-0"));
}

#[test]
fn where_there_is_no_generator_there_is_no_source() {
    let why = |paths: &HwrngPaths| match detect(paths) {
        Detected::None { why } => why,
        other => panic!("{other:?}"),
    };
    for current in ["none\n", "none", "\n", ""] {
        let (_dir, paths) = kernel(current);
        assert_eq!(why(&paths), NoGenerator::Nothing, "{current:?}");
    }
    let (_dir, mut paths) = kernel("two words\n");
    assert!(why(&paths).to_string().ends_with("found something else"));
    fs::remove_file(&paths.current).unwrap();
    assert_eq!(why(&paths), NoGenerator::Nothing);
    paths.current = "/".into();
    assert_eq!(why(&paths).to_string(), "/: Is a directory");
}

#[test]
fn draws_go_through_the_device_from_the_first_on() {
    let (_dir, paths) = kernel("virtio_rng.0\n");
    let mut source = source(&paths);
    assert!(source.device.is_none(), "nothing is opened before");
    let given: Vec<u8> = (0..96).collect();
    fs::write(&paths.device, &given).unwrap();
    assert_eq!(draw(&mut source).unwrap(), given[..32]);
    assert_eq!(draw(&mut source).unwrap(), given[32..64]);
    let mut none: [u8; 0] = [];
    source.draw(&mut none).unwrap();
    let mut one = [0];
    source.draw(&mut one).unwrap();
    assert_eq!(one, [64]);
}

#[test]
fn short_reads_are_put_together() {
    let (_dir, paths) = kernel("optee-rng\n");
    mkfifo(&paths.device, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let device = paths.device.clone();
    let writer = thread::spawn(move || {
        let mut end = OpenOptions::new().write(true).open(device).unwrap();
        // A reader of the pipe gets what is in it: 1 byte or more at a time, and never 32 at once.
        (1..=32).for_each(|byte| end.write_all(&[byte]).unwrap());
    });
    assert_eq!(draw(&mut source(&paths)).unwrap(), (1..=32).collect::<Vec<u8>>());
    writer.join().unwrap();
}

#[test]
fn a_device_that_ends_is_an_error_and_is_opened_anew() {
    let (_dir, paths) = kernel("optee-rng\n");
    fs::write(&paths.device, [1; 40]).unwrap();
    let mut source = source(&paths);
    draw(&mut source).unwrap();
    let device = paths.device.display();
    assert_eq!(draw(&mut source).unwrap_err(), format!("{device}: expected 24 more bytes, found its end"));
    fs::write(&paths.device, [2; 40]).unwrap();
    assert_eq!(draw(&mut source).unwrap(), [2; 32]);
}

#[test]
fn a_device_that_is_missing_or_fails_is_named() {
    let (_dir, mut paths) = kernel("optee-rng\n");
    let missing = draw(&mut source(&paths)).unwrap_err();
    assert_eq!(missing, format!("{}: No such file or directory", paths.device.display()));

    // The lowest page is mapped in no process: reading it is an input/output error.
    paths.device = "/proc/self/mem".into();
    assert_eq!(draw(&mut source(&paths)).unwrap_err(), "/proc/self/mem: I/O error");
}

#[test]
fn a_device_that_is_not_ours_to_read_says_what_to_do() {
    let (dir, paths) = kernel("optee-rng\n");
    fs::write(&paths.device, [1; 40]).unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&paths.device, Permissions::from_mode(0o000)).unwrap();
    let mut source = source(&paths);
    let error = thread::spawn(move || {
        // Files are opened as this user, and no more as root, by this thread alone.
        setfsuid(Uid::from_raw(65534));
        draw(&mut source).unwrap_err()
    });
    let error = error.join().unwrap();
    assert!(error.starts_with(&format!("{}: permission denied;", paths.device.display())), "{error}");
    for word in ["60-selfsame-hwrng.rules", "_selfsame", "udevadm trigger --sysname-match=hw_random"] {
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_generator_that_was_switched_is_told_of_until_it_is_back() {
    let (_dir, paths) = kernel("optee-rng\n");
    let mut source = source(&paths);
    // The device is not even there: another's is not opened.
    for (current, found) in
        [("virtio_rng.0\n", "virtio_rng.0"), ("none\n", "none"), ("optee-rng2\n", "optee-rng2")]
    {
        fs::write(&paths.current, current).unwrap();
        assert_eq!(draw(&mut source).unwrap_err(), format!("rng_current: expected optee-rng, found {found}"));
    }
    fs::remove_file(&paths.current).unwrap();
    assert_eq!(draw(&mut source).unwrap_err(), "rng_current: expected optee-rng, found none");
    fs::write(&paths.current, "optee-rng\n").unwrap();
    fs::write(&paths.device, [1; 32]).unwrap();
    draw(&mut source).unwrap();
}

#[test]
fn a_draw_during_which_the_generator_is_switched_is_not_used() {
    let (_dir, paths) = kernel("optee-rng\n");
    mkfifo(&paths.device, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let writers = paths.clone();
    let writer = thread::spawn(move || {
        let mut end = OpenOptions::new().write(true).open(writers.device).unwrap();
        // The draw has begun, since the device is open at both ends, and does not end before it has all its bytes.
        end.write_all(&[1; 31]).unwrap();
        fs::write(writers.current, "virtio_rng.0\n").unwrap();
        end.write_all(&[1]).unwrap();
    });
    let error = draw(&mut source(&paths)).unwrap_err();
    assert_eq!(error, "rng_current: expected optee-rng, found virtio_rng.0");
    writer.join().unwrap();
}

#[test]
fn the_udev_rule_is_for_the_kernels_device_and_the_agents_group() {
    let rule = include_str!("../../../../packaging/udev/60-selfsame-hwrng.rules");
    let rules: Vec<&str> = rule.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(rules, [r#"SUBSYSTEM=="misc", KERNEL=="hw_random", GROUP="_selfsame", MODE="0640""#]);
}

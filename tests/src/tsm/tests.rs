//! The stand-in has the rules of configfs and of configfs-tsm that its own page names.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::PermissionsExt,
};

use super::*;

fn entry(tsm: &Tsm, name: &str) -> PathBuf {
    let path = tsm.root().join(name);
    fs::create_dir(&path).unwrap();
    path
}

fn line(entry: &Path, attribute: &str) -> String {
    fs::read_to_string(entry.join(attribute)).unwrap()
}

fn errno<T>(result: io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

#[test]
fn a_folder_that_is_made_has_its_attributes_and_goes_with_them() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let entry = entry(&tsm, "a");
    let names: Vec<_> = Attribute::ALL.iter().map(|attribute| attribute.name()).collect();
    let mut found: Vec<_> = fs::read_dir(&entry)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort_by_key(|name| names.iter().position(|other| other == name));
    assert_eq!(found, names);
    let mode = |name| fs::metadata(entry.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("inblob"), mode("outblob"), mode("provider")), (0o200, 0o444, 0o444));

    assert_eq!(errno(fs::create_dir(tsm.root().join("a"))), Some(number(Errno::EEXIST)));
    assert_eq!(errno(File::create(entry.join("mine"))), Some(number(Errno::EACCES)));
    assert_eq!(errno(fs::remove_file(entry.join("outblob"))), Some(number(Errno::EPERM)));
    assert_eq!(errno(fs::create_dir(entry.join("deeper"))), Some(number(Errno::EPERM)));
    assert_eq!(errno(File::open(entry.join("inblob"))), Some(number(Errno::EACCES)));
    let writing = OpenOptions::new().write(true).open(entry.join("outblob"));
    assert_eq!(errno(writing), Some(number(Errno::EACCES)));
    fs::remove_dir(&entry).unwrap();
    assert_eq!(tsm.entries(), Vec::<String>::new());
}

fn number(errno: Errno) -> i32 {
    errno as i32
}

#[test]
fn what_is_written_is_taken_in_at_the_close_and_counted() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let entry = entry(&tsm, "a");
    assert_eq!((&*line(&entry, "provider"), &*line(&entry, "generation")), ("sev_guest\n", "0\n"));
    assert_eq!(errno(fs::read(entry.join("outblob"))), Some(number(Errno::EINVAL)));

    let mut inblob = OpenOptions::new().write(true).open(entry.join("inblob")).unwrap();
    inblob.write_all(&[7; 64]).unwrap();
    assert_eq!(line(&entry, "generation"), "0\n");
    assert_eq!(errno(inblob.write(&[8])), Some(number(Errno::EFBIG)), "64 bytes and no more");
    drop(inblob);
    assert_eq!(line(&entry, "generation"), "1\n");
    assert_eq!(fs::read(entry.join("outblob")).unwrap(), snp_report(&[7; 64]));
    assert_eq!(fs::read(entry.join("auxblob")).unwrap(), vec![0xce; 3000]);
    assert_eq!(line(&entry, "generation"), "1\n", "reading counts nothing");

    Tsm::write(&tsm.root(), "a", &[9; 64]).unwrap();
    assert_eq!(line(&entry, "generation"), "2\n");
    assert_eq!(fs::read(entry.join("outblob")).unwrap(), snp_report(&[9; 64]));
    // SEV-SNP takes just 64: nobody hears of it before the report is read
    Tsm::write(&tsm.root(), "a", &[9; 63]).unwrap();
    assert_eq!(errno(fs::read(entry.join("outblob"))), Some(number(Errno::EINVAL)));
}

#[test]
fn an_open_file_keeps_its_report_and_not_its_entry() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let entry = entry(&tsm, "a");
    Tsm::write(&tsm.root(), "a", &[7; 64]).unwrap();
    let mut outblob = File::open(entry.join("outblob")).unwrap();
    let mut first = [0; 0x60];
    outblob.read_exact(&mut first).unwrap();
    Tsm::write(&tsm.root(), "a", &[9; 64]).unwrap();
    let mut rest = Vec::new();
    outblob.read_to_end(&mut rest).unwrap();
    assert_eq!([&first[..], &rest].concat(), snp_report(&[7; 64]));

    let mut unread = File::open(entry.join("outblob")).unwrap();
    fs::remove_dir(&entry).unwrap();
    assert_eq!(unread.read(&mut first).unwrap_err().kind(), ErrorKind::NotFound);
}

/// As where another test forks meanwhile: that process has our files until it becomes its program.
#[test]
fn it_ends_when_the_last_open_file_is_closed() {
    let tsm = Tsm::start(Some(Tee::sev_guest()));
    let root = tsm.root();
    let held = File::open(entry(&tsm, "a").join("provider")).unwrap();
    let ending = std::thread::spawn(move || drop(tsm));
    while root.exists() && fs::read_dir(&root).is_ok_and(|mut entries| entries.next().is_some()) {
        std::thread::yield_now();
    }
    drop(held);
    ending.join().unwrap();
}

#[test]
fn a_report_is_made_once_for_each_generation() {
    let made = Arc::new(Mutex::new(0));
    let count = made.clone();
    let tsm = Tsm::start(Some(Tee::of("counting", Attribute::ALL, move |_| {
        *count.lock().unwrap() += 1;
        Ok(Blobs { out: vec![1], aux: Vec::new() })
    })));
    let entry = entry(&tsm, "a");
    Tsm::write(&tsm.root(), "a", b"x").unwrap();
    for _ in 0..3 {
        fs::read(entry.join("outblob")).unwrap();
        assert!(fs::read(entry.join("auxblob")).unwrap().is_empty());
    }
    assert_eq!(*made.lock().unwrap(), 1);
    Tsm::write(&tsm.root(), "a", b"x").unwrap();
    fs::read(entry.join("auxblob")).unwrap();
    assert_eq!(*made.lock().unwrap(), 2);
}

#[test]
fn without_a_driver_nothing_can_be_made() {
    let tsm = Tsm::start(None);
    assert_eq!(errno(fs::create_dir(tsm.root().join("a"))), Some(number(Errno::ENXIO)));
    tsm.load(Some(Tee::tdx_guest()));
    let entry = entry(&tsm, "a");
    assert_eq!(File::open(entry.join("auxblob")).unwrap_err().kind(), ErrorKind::NotFound);
    tsm.load(None);
    assert_eq!(errno(fs::read(entry.join("provider"))), Some(number(Errno::ENXIO)));
}

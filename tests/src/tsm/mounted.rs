//! The entries as a file system: what the kernel's VFS asks, asked of [`Items`].

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, UNIX_EPOCH},
};

use fuser::{
    FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenAccMode,
    OpenFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};
use nix::errno::Errno;

use super::{Attribute, Hold, Items};

pub(super) struct Mounted {
    items: Arc<Mutex<Items>>,
    hold: Arc<Mutex<Option<Hold>>>,
    /// Which process opened a file.
    openers: Mutex<BTreeMap<u64, u32>>,
}

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Root,
    Item(u64),
    Attribute(u64, Attribute),
}

impl Node {
    /// The root is 1; an entry is a multiple of 16; its attributes follow it.
    fn number(self) -> INodeNo {
        INodeNo(match self {
            Self::Root => 1,
            Self::Item(item) => item * 16,
            Self::Attribute(item, attribute) => item * 16 + 1 + attribute as u64,
        })
    }

    fn of(number: INodeNo) -> Option<Self> {
        match (number.0 / 16, number.0 % 16) {
            (0, 1) => Some(Self::Root),
            (0, _) => None,
            (item, 0) => Some(Self::Item(item)),
            (item, place) => {
                let all = Attribute::ALL.iter();
                let attribute = all.copied().find(|attribute| *attribute as u64 + 1 == place);
                attribute.map(|attribute| Self::Attribute(item, attribute))
            }
        }
    }

    fn attr(self) -> FileAttr {
        let (kind, perm) = match self {
            Self::Root | Self::Item(_) => (FileType::Directory, 0o755),
            Self::Attribute(_, attribute) => (FileType::RegularFile, attribute.mode()),
        };
        FileAttr {
            ino: self.number(),
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Mounted {
    pub(super) fn new(items: Arc<Mutex<Items>>, hold: Arc<Mutex<Option<Hold>>>) -> Self {
        Self { items, hold, openers: Mutex::default() }
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap()
    }

    /// The node, where it is still there.
    fn node(&self, number: INodeNo) -> Result<Node, Errno> {
        let node = Node::of(number).ok_or(Errno::ENOENT)?;
        let items = self.items();
        let is_there = match node {
            Node::Root => true,
            Node::Item(item) => items.attributes(item).is_some(),
            Node::Attribute(item, attribute) => {
                items.attributes(item).is_some_and(|attributes| attributes.contains(&attribute))
            }
        };
        is_there.then_some(node).ok_or(Errno::ENOENT)
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> Result<Node, Errno> {
        let name = name.to_str().ok_or(Errno::ENOENT)?;
        match self.node(parent)? {
            Node::Root => self.items().find(name).map(Node::Item).ok_or(Errno::ENOENT),
            Node::Item(item) => {
                let items = self.items();
                let attributes = items.attributes(item).ok_or(Errno::ENOENT)?;
                let attribute = attributes.iter().find(|attribute| attribute.name() == name);
                attribute.map(|attribute| Node::Attribute(item, *attribute)).ok_or(Errno::ENOENT)
            }
            Node::Attribute(..) => Err(Errno::ENOTDIR),
        }
    }

    fn list(&self, number: INodeNo) -> Result<Vec<(Node, String)>, Errno> {
        let node = self.node(number)?;
        let items = self.items();
        match node {
            Node::Root => Ok(items.names().map(|(item, name)| (Node::Item(item), name.to_owned())).collect()),
            Node::Item(item) => {
                let attributes = items.attributes(item).ok_or(Errno::ENOENT)?.iter();
                Ok(attributes
                    .map(|attribute| (Node::Attribute(item, *attribute), attribute.name().to_owned()))
                    .collect())
            }
            Node::Attribute(..) => Err(Errno::ENOTDIR),
        }
    }

    /// Where the first read of this file is to be held up: who does it, and of which entry.
    fn held(&self, file: u64) -> Option<(Hold, String)> {
        let (attribute, name) = self.items().unread(file)?;
        let hold = self.hold.lock().unwrap().take_if(|hold| hold.attribute == attribute)?;
        Some((hold, name))
    }
}

fn fuse(errno: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno as i32)
}

fn entered(node: Result<Node, Errno>, reply: ReplyEntry) {
    match node {
        Ok(node) => reply.entry(&UNCACHED, &node.attr(), Generation(0)),
        Err(errno) => reply.error(fuse(errno)),
    }
}

fn empty(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(fuse(errno)),
    }
}

fn data(bytes: Result<Vec<u8>, Errno>, reply: ReplyData) {
    match bytes {
        Ok(bytes) => reply.data(&bytes),
        Err(errno) => reply.error(fuse(errno)),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entered(self.child(parent, name), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.node(number) {
            Ok(node) => reply.attr(&UNCACHED, &node.attr()),
            Err(errno) => reply.error(fuse(errno)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let made = match (self.node(parent), name.to_str()) {
            (Ok(Node::Root), Some(name)) => self.items().make(name).map(Node::Item),
            // below an entry there are no groups (configfs_mkdir)
            (Ok(_), _) => Err(Errno::EPERM),
            (Err(errno), _) => Err(errno),
        };
        entered(made, reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = match (self.node(parent), name.to_str()) {
            (Ok(Node::Root), Some(name)) => self.items().remove(name),
            _ => Err(Errno::EPERM),
        };
        empty(removed, reply);
    }

    fn unlink(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        // there is no such operation of a folder in configfs (vfs_unlink)
        reply.error(fuse(Errno::EPERM));
    }

    fn create(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        // nor such (vfs_create)
        reply.error(fuse(Errno::EACCES));
    }

    fn open(&self, request: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let write = flags.acc_mode() != OpenAccMode::O_RDONLY;
        let opened = match self.node(number) {
            Ok(Node::Attribute(..)) if flags.acc_mode() == OpenAccMode::O_RDWR => Err(Errno::EACCES),
            Ok(Node::Attribute(item, attribute)) => self.items().open(item, attribute, write),
            Ok(_) => Err(Errno::EISDIR),
            Err(errno) => Err(errno),
        };
        match opened {
            Ok(file) => {
                self.openers.lock().unwrap().insert(file, process_of(request.pid()));
                reply.opened(FileHandle(file), FopenFlags::FOPEN_DIRECT_IO);
            }
            Err(errno) => reply.error(fuse(errno)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        file: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (offset, size) = (offset as usize, size as usize);
        let Some((Hold { reached, go, .. }, name)) = self.held(file.0) else {
            return data(self.items().read(file.0, offset, size), reply);
        };
        let items = self.items.clone();
        // on a thread of its own: others go on meanwhile
        thread::spawn(move || {
            let _ = reached.send(name);
            // nothing is ever sent: it is let go where the other end is dropped
            let _ = go.recv();
            data(items.lock().unwrap().read(file.0, offset, size), reply);
        });
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        file: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.items().write(file.0, offset as usize, bytes) {
            Ok(()) => reply.written(bytes.len() as u32),
            Err(errno) => reply.error(fuse(errno)),
        }
    }

    /// What a close waits for: `release` comes some time after it. A child that another thread forked just now has the file
    /// too, and closes it when it becomes its own program: that is no close of whoever opened it.
    fn flush(&self, request: &Request, _: INodeNo, file: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        let closes = process_of(request.pid());
        let mut openers = self.openers.lock().unwrap();
        if openers.get(&file.0) == Some(&closes) {
            openers.remove(&file.0);
            self.items().close(file.0);
        }
        reply.ok();
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let children = match self.list(number) {
            Ok(children) => children,
            Err(errno) => return reply.error(fuse(errno)),
        };
        for (place, (node, name)) in children.into_iter().enumerate().skip(offset as usize) {
            if reply.add(node.number(), place as u64 + 1, node.attr().kind, name) {
                break;
            }
        }
        reply.ok();
    }
}

/// The process of a thread, which is what FUSE names.
fn process_of(thread: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    process.and_then(|process| process.trim().parse().ok()).unwrap_or(thread)
}

/// The kernel is to ask each time.
const UNCACHED: Duration = Duration::ZERO;

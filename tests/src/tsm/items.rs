//! Entries and open files, as the kernel keeps them; how they are reached is [`super::mounted`]'s matter.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::{Blobs, Tee};

/// An attribute of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // they are called what the kernel calls them
pub enum Attribute {
    Generation,
    Provider,
    Privlevel,
    PrivlevelFloor,
    Inblob,
    Outblob,
    Auxblob,
    Manifestblob,
}

impl Attribute {
    /// All: what a driver has that hides none.
    pub const ALL: &[Self] = &[
        Self::Generation,
        Self::Provider,
        Self::Privlevel,
        Self::PrivlevelFloor,
        Self::Inblob,
        Self::Outblob,
        Self::Auxblob,
        Self::Manifestblob,
    ];

    /// Those of TDX (`tdx_report_attr_visible`, `tdx_report_bin_attr_visible`).
    pub const FEW: &[Self] = &[Self::Generation, Self::Provider, Self::Inblob, Self::Outblob];

    /// Its file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Provider => "provider",
            Self::Privlevel => "privlevel",
            Self::PrivlevelFloor => "privlevel_floor",
            Self::Inblob => "inblob",
            Self::Outblob => "outblob",
            Self::Auxblob => "auxblob",
            Self::Manifestblob => "manifestblob",
        }
    }

    /// Its file's mode: what is written can't be read, and the other way round.
    pub(super) fn mode(self) -> u16 {
        if self.is_written() { 0o200 } else { 0o444 }
    }

    pub(super) fn is_written(self) -> bool {
        matches!(self, Self::Inblob | Self::Privlevel)
    }
}

/// The entries, and whose they are.
pub(super) struct Items {
    tee: Option<Tee>,
    items: BTreeMap<u64, Item>,
    files: BTreeMap<u64, Open>,
    made: u64,
    opened: u64,
}

/// An entry (`struct tsm_report_state`).
struct Item {
    name: String,
    attributes: Vec<Attribute>,
    inblob: Vec<u8>,
    write_generation: u64,
    read_generation: u64,
    blobs: Option<Blobs>,
}

/// An open file (`struct configfs_buffer`).
struct Open {
    item: u64,
    attribute: Attribute,
    /// What is read, from the first read on; or what was written so far.
    buffer: Option<Vec<u8>>,
}

impl Items {
    pub(super) fn new(tee: Option<Tee>) -> Self {
        Self { tee, items: BTreeMap::new(), files: BTreeMap::new(), made: 0, opened: 0 }
    }

    pub(super) fn load(&mut self, tee: Option<Tee>) {
        self.tee = tee;
    }

    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// `tsm_report_make_item`.
    pub(super) fn make(&mut self, name: &str) -> Result<u64, Errno> {
        if self.find(name).is_some() {
            return Err(Errno::EEXIST);
        }
        let tee = self.tee.as_ref().ok_or(Errno::ENXIO)?;
        self.made += 1;
        let item = Item {
            name: name.to_owned(),
            attributes: tee.attributes.clone(),
            inblob: Vec::new(),
            write_generation: 0,
            read_generation: 0,
            blobs: None,
        };
        self.items.insert(self.made, item);
        Ok(self.made)
    }

    /// `configfs_rmdir`: with all its attributes, and whoever has one open.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Errno> {
        let item = self.find(name).ok_or(Errno::ENOENT)?;
        self.items.remove(&item);
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<u64> {
        self.items.iter().find(|(_, item)| item.name == name).map(|(number, _)| *number)
    }

    /// The attributes of an entry, where it is there.
    pub(super) fn attributes(&self, item: u64) -> Option<&[Attribute]> {
        self.items.get(&item).map(|item| &*item.attributes)
    }

    /// The entries' numbers and names.
    pub(super) fn names(&self) -> impl Iterator<Item = (u64, &str)> {
        self.items.iter().map(|(number, item)| (*number, &*item.name))
    }

    /// `__configfs_open_file`.
    pub(super) fn open(&mut self, item: u64, attribute: Attribute, write: bool) -> Result<u64, Errno> {
        if !self.items.contains_key(&item) {
            return Err(Errno::ENOENT);
        }
        if write != attribute.is_written() {
            return Err(Errno::EACCES);
        }
        self.opened += 1;
        self.files.insert(self.opened, Open { item, attribute, buffer: None });
        Ok(self.opened)
    }

    /// The entry's name and the attribute of a file from which nothing was read yet.
    pub(super) fn unread(&self, file: u64) -> Option<(Attribute, String)> {
        let open = self.files.get(&file).filter(|open| open.buffer.is_none())?;
        Some((open.attribute, self.items.get(&open.item)?.name.clone()))
    }

    /// `configfs_bin_read_iter` and `configfs_read_iter`: the first read fills the buffer, the others are from it.
    pub(super) fn read(&mut self, file: u64, offset: usize, size: usize) -> Result<Vec<u8>, Errno> {
        let open = self.files.get(&file).ok_or(Errno::EBADF)?;
        if open.buffer.is_none() {
            let bytes = self.show(open.item, open.attribute)?;
            if bytes.len() > BLOB_MAX_BYTES {
                return Err(Errno::EFBIG);
            }
            self.files.get_mut(&file).ok_or(Errno::EBADF)?.buffer = Some(bytes);
        }
        let buffer = self.files.get(&file).and_then(|open| open.buffer.as_ref()).ok_or(Errno::EBADF)?;
        Ok(buffer.iter().skip(offset).take(size).copied().collect())
    }

    /// `configfs_bin_write_iter`: nothing but the buffer is written to.
    pub(super) fn write(&mut self, file: u64, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        let open = self.files.get_mut(&file).ok_or(Errno::EBADF)?;
        if open.attribute == Attribute::Privlevel {
            let item = open.item;
            return self.advance(item);
        }
        let end = offset + bytes.len();
        if end > INBLOB_MAX_BYTES {
            return Err(Errno::EFBIG);
        }
        let buffer = open.buffer.get_or_insert_default();
        buffer.resize(buffer.len().max(end), 0);
        buffer[offset..end].copy_from_slice(bytes);
        Ok(())
    }

    /// `configfs_release_bin_file`: now what was written is taken in, and an error is told to nobody.
    pub(super) fn close(&mut self, file: u64) {
        let Some(Open { item, attribute: Attribute::Inblob, buffer: Some(bytes) }) = self.files.remove(&file)
        else {
            return;
        };
        if self.advance(item).is_ok()
            && let Some(item) = self.items.get_mut(&item)
        {
            item.inblob = bytes;
        }
    }

    /// `try_advance_write_generation`.
    fn advance(&mut self, item: u64) -> Result<(), Errno> {
        let item = self.items.get_mut(&item).ok_or(Errno::ENOENT)?;
        if item.write_generation == item.read_generation.wrapping_sub(1) {
            return Err(Errno::EBUSY);
        }
        item.write_generation = item.write_generation.wrapping_add(1);
        Ok(())
    }

    /// What an attribute shows.
    fn show(&mut self, item: u64, attribute: Attribute) -> Result<Vec<u8>, Errno> {
        let item = self.items.get_mut(&item).ok_or(Errno::ENOENT)?;
        let tee = self.tee.as_ref().ok_or(Errno::ENXIO);
        match attribute {
            Attribute::Generation => Ok(format!("{}\n", item.write_generation).into()),
            Attribute::Provider => Ok(format!("{}\n", tee?.provider).into()),
            Attribute::PrivlevelFloor => tee.map(|_| b"0\n".to_vec()),
            Attribute::Outblob => Ok(item.report(tee)?.out.clone()),
            Attribute::Auxblob => Ok(item.report(tee)?.aux.clone()),
            Attribute::Manifestblob => item.report(tee).map(|_| Vec::new()),
            Attribute::Inblob | Attribute::Privlevel => Err(Errno::EACCES),
        }
    }
}

impl Item {
    /// `tsm_report_read`: the report of this generation, made where there is none.
    fn report(&mut self, tee: Result<&Tee, Errno>) -> Result<&Blobs, Errno> {
        // what is cached is given without a driver, too
        if self.inblob.is_empty() {
            return Err(Errno::EINVAL);
        }
        if self.blobs.is_none() || self.read_generation != self.write_generation {
            let tee = tee?;
            self.blobs = None;
            self.blobs = Some((tee.report)(&self.inblob)?);
            self.read_generation = self.write_generation;
        }
        self.blobs.as_ref().ok_or(Errno::EIO)
    }
}

/// `TSM_REPORT_INBLOB_MAX`.
const INBLOB_MAX_BYTES: usize = 64;

/// `TSM_REPORT_OUTBLOB_MAX`, as newer kernels have it; until then it was 32 KiB.
const BLOB_MAX_BYTES: usize = 16 << 20;

//! A disk in memory that remembers every operation, so that each moment can be played as a power cut, and that can be told to fail.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;
use videorooms_tests::Random;

/// What a disk writes at once or not at all.
const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Operation {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    SetLen(usize),
    Sync,
    /// A sync failed. Of what was written since the last one only this reached the disk; the kernel forgot the rest.
    FailedSync(Vec<Operation>),
    Acknowledge(u64),
}

#[derive(Debug)]
struct Inner {
    bytes: Vec<u8>,
    /// What `bytes` were at the last sync, and what was written since.
    synced: Vec<u8>,
    unsynced: Vec<Operation>,
    random: Random,
    operations: Vec<Operation>,
    /// Operations that still succeed; none: all do.
    budget: Option<usize>,
}

impl Inner {
    fn of(bytes: Vec<u8>) -> Self {
        Self {
            synced: bytes.clone(),
            bytes,
            unsynced: Vec::new(),
            random: Random::new(0xd15c),
            operations: Vec::new(),
            budget: None,
        }
    }
}

impl Inner {
    /// As after a failed sync and a look past the kernel's cache: some of what was written since the last sync is there, or none.
    fn fail_sync(&mut self) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let all_is_lost = self.random.coin();
        let mut kept = Vec::new();
        for operation in unsynced {
            if !all_is_lost && self.random.coin() {
                kept.push(operation);
            }
        }
        kept.iter()
            .for_each(|operation| apply(&mut self.synced, operation));
        self.bytes = self.synced.clone();
        self.operations.push(Operation::FailedSync(kept));
    }
}

impl Default for Inner {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

/// The disk; a clone is the same disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Inner>>);

/// One way a power cut may leave the disk.
pub(crate) struct Cut {
    /// What is left.
    pub(crate) disk: Disk,
    /// The last number acknowledged before it.
    pub(crate) acknowledged: u64,
    /// For a failing test's message.
    pub(crate) what: String,
}

impl Disk {
    /// Notes that whoever uses the disk has promised something by now.
    pub(crate) fn acknowledge(&self, number: u64) {
        self.lock().operations.push(Operation::Acknowledge(number));
    }

    /// Lets `operations` more succeed, then fails all.
    pub(crate) fn fail_after(&self, operations: usize) {
        self.lock().budget = Some(operations);
    }

    /// Ends the failing.
    pub(crate) fn recover(&self) {
        self.lock().budget = None;
    }

    /// Every moment of the run, with some of the ways a power cut at it may go.
    pub(crate) fn power_cuts<'a>(&self, random: &'a mut Random) -> impl Iterator<Item = Cut> + use<'a> {
        let operations = self.lock().operations.clone();
        let (mut durable, mut pending, mut acknowledged) = (Vec::new(), Vec::new(), 0);
        operations
            .into_iter()
            .enumerate()
            .flat_map(move |(moment, operation)| {
                match operation {
                    Operation::Sync => pending
                        .drain(..)
                        .for_each(|operation| apply(&mut durable, &operation)),
                    Operation::FailedSync(kept) => {
                        pending.clear();
                        kept.iter().for_each(|operation| apply(&mut durable, operation));
                    }
                    Operation::Acknowledge(number) => acknowledged = number,
                    Operation::Write { .. } | Operation::SetLen(_) => pending.push(operation),
                }
                ["nothing", "everything", "a part", "some sectors"].map(|survives| {
                    let mut bytes = durable.clone();
                    lose(&mut bytes, &pending, survives, random);
                    let disk = Self(Arc::new(Mutex::new(Inner::of(bytes))));
                    Cut {
                        disk,
                        acknowledged,
                        what: format!("cut at operation {moment}, {survives} survives"),
                    }
                })
            })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics holding it")
    }

    fn spend(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let mut inner = self.lock();
        match &mut inner.budget {
            None => Ok(inner),
            Some(0) => Err(io::Error::other("the disk fails")),
            Some(left) => {
                *left -= 1;
                Ok(inner)
            }
        }
    }
}

fn apply(bytes: &mut Vec<u8>, operation: &Operation) {
    match operation {
        Operation::Write { offset, bytes: new } => {
            let end = offset + new.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[*offset..end].copy_from_slice(new);
        }
        Operation::SetLen(len) => bytes.resize(*len, 0),
        Operation::Sync | Operation::FailedSync(_) | Operation::Acknowledge(_) => {}
    }
}

fn lose(bytes: &mut Vec<u8>, pending: &[Operation], survives: &str, random: &mut Random) {
    for operation in pending {
        match (survives, operation) {
            ("everything", _) => apply(bytes, operation),
            ("a part", _) if random.coin() => apply(bytes, operation),
            ("some sectors", Operation::Write { offset, bytes: new }) => {
                for (index, sector) in new.chunks(SECTOR).enumerate().filter(|_| random.coin()) {
                    let offset = offset + index * SECTOR;
                    apply(
                        bytes,
                        &Operation::Write {
                            offset,
                            bytes: sector.to_vec(),
                        },
                    );
                }
            }
            // A file system keeps its own books: a length is there or not, never torn.
            ("some sectors", Operation::SetLen(_)) => apply(bytes, operation),
            _ => {}
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.spend()?.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.spend()?;
        let offset = offset as usize;
        let bytes = inner
            .bytes
            .get(offset..offset + out.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Operation::SetLen(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.spend() {
            Ok(mut inner) => {
                inner.synced = inner.bytes.clone();
                inner.unsynced.clear();
                inner.operations.push(Operation::Sync);
                Ok(())
            }
            Err(error) => {
                self.lock().fail_sync();
                Err(error)
            }
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Operation::Write {
            offset: offset as usize,
            bytes: data.to_vec(),
        })
    }
}

impl Disk {
    fn change(&self, operation: Operation) -> io::Result<()> {
        let mut inner = self.spend()?;
        apply(&mut inner.bytes, &operation);
        inner.unsynced.push(operation.clone());
        inner.operations.push(operation);
        Ok(())
    }
}

//! What stands in the file: tables, the format's number, and the seal on each payload.
//!
//! A payload carries a checksum of its own: redb verifies pages only when it repairs, and a damaged record must be named when it is read.

use redb::{Database, ReadableTable, TableDefinition, TableHandle};
use videorooms_domain::{Epoch, Seq};
use xxhash_rust::xxh3::xxh3_64;

use super::error::FileError;

/// Newest format that this version reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

/// Facts about the store itself, by the keys below.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Number of the format.
pub(super) const META_FORMAT: &str = "format";
/// Epoch below which commits are refused.
pub(super) const META_REIGN: &str = "reign";
/// Highest epoch ever seen.
pub(super) const META_HIGHEST: &str = "highest";

/// Room → (newest epoch, seq of the last event, seq that the snapshot covers or 0).
pub(super) const HEADS: TableDefinition<'_, u128, (u64, u64, u64)> = TableDefinition::new("heads");
/// (Room, seq of the record's last event) → sealed record.
pub(super) const RECORDS: TableDefinition<'_, (u128, u64), &[u8]> = TableDefinition::new("records");
/// Room → sealed snapshot.
pub(super) const SNAPSHOTS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("snapshots");

/// Checks that the database is ours and of a format we know, and lays the tables in a new one.
///
/// It always writes: the sync behind it also covers what a killed process had written but not yet synced, which reading alone would
/// take for durable.
pub(super) fn prepare(database: &Database) -> Result<(), FileError> {
    let transaction = database.begin_write()?;
    let tables: Vec<String> = transaction
        .list_tables()?
        .map(|table| table.name().to_owned())
        .collect();
    if !tables.is_empty() && !tables.iter().any(|table| table == META.name()) {
        return Err(FileError::Damaged(format!(
            "not a store of rooms: it holds the tables {tables:?}"
        )));
    }
    {
        let mut meta = transaction.open_table(META)?;
        let found = meta.get(META_FORMAT)?.map(|format| format.value());
        match found {
            None if tables.is_empty() => {}
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) if format > u64::from(FORMAT) => {
                let found = u32::try_from(format).unwrap_or(u32::MAX);
                return Err(FileError::Newer {
                    found,
                    supported: FORMAT,
                });
            }
            None | Some(_) => return Err(FileError::Damaged(format!("its format is {found:?}"))),
        }
        meta.insert(META_FORMAT, u64::from(FORMAT))?;
        transaction.open_table(HEADS)?;
        transaction.open_table(RECORDS)?;
        transaction.open_table(SNAPSHOTS)?;
    }
    Ok(transaction.commit()?)
}

/// A payload with what is known about it: for a record the epoch and seq it was committed in and after, for a snapshot those that it shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    pub(super) epoch: Epoch,
    pub(super) seq: Seq,
    pub(super) payload: &'a [u8],
}

const HEADER_BYTES: usize = 24;

impl<'a> Sealed<'a> {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.payload.len());
        bytes.extend(self.epoch.0.to_be_bytes());
        bytes.extend(self.seq.0.to_be_bytes());
        bytes.extend(self.checksum().to_be_bytes());
        bytes.extend(self.payload);
        bytes
    }

    /// Reads what [`Self::write`] wrote; nothing when it is anything else.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (epoch, rest) = bytes.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (checksum, payload) = rest.split_first_chunk()?;
        let sealed = Self {
            epoch: Epoch(u64::from_be_bytes(*epoch)),
            seq: Seq(u64::from_be_bytes(*seq)),
            payload,
        };
        (sealed.checksum() == u64::from_be_bytes(*checksum)).then_some(sealed)
    }

    fn checksum(&self) -> u64 {
        xxh3_64(self.payload) ^ self.epoch.0.rotate_left(17) ^ self.seq.0.rotate_left(41)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sealed_payload_reads_back_and_no_flipped_bit_goes_unnoticed(
            epoch: u64, seq: u64, payload: Vec<u8>, place: proptest::sample::Index, bit in 0..8u8,
        ) {
            let sealed = Sealed { epoch: Epoch(epoch), seq: Seq(seq), payload: &payload };
            let mut bytes = sealed.write();
            prop_assert_eq!(Sealed::read(&bytes), Some(sealed));
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert_eq!(Sealed::read(&bytes), None);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = Sealed::read(&bytes);
        }
    }
}

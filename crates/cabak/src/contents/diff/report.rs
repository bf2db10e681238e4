//! Differences as they are found, and how many there were of each kind.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::output::{Reporter, plain};
use crate::verify::stop_if;

/// What a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Issued,
    Revoked,
    Unrevoked,
    Denied,
    Failed,
    Pending,
    Added,
    Changed,
    Deleted,
    Replaced,
    NumbersMissing,
    CrlAdded,
    CrlChanged,
    CrlDeleted,
    CrlReplaced,
    CrlNumbersMissing,
    Rollback,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Revoked => "revoked",
            Self::Unrevoked => "unrevoked",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Replaced => "replaced",
            Self::NumbersMissing => "numbers_missing",
            Self::CrlAdded => "crl_added",
            Self::CrlChanged => "crl_changed",
            Self::CrlDeleted => "crl_deleted",
            Self::CrlReplaced => "crl_replaced",
            Self::CrlNumbersMissing => "crl_numbers_missing",
            Self::Rollback => "rollback",
        }
    }
}

/// Tells what is found.
pub(super) struct Report<'a> {
    reporter: &'a mut Reporter,
    cancel: &'a certadm::Cancel,
    counts: BTreeMap<&'static str, u64>,
}

impl<'a> Report<'a> {
    pub(super) fn new(reporter: &'a mut Reporter, cancel: &'a certadm::Cancel) -> Self {
        Self { reporter, cancel, counts: BTreeMap::new() }
    }

    /// One more request is compared.
    pub(super) fn step(&mut self) -> anyhow::Result<()> {
        self.reporter.advance(1);
        stop_if(self.cancel)
    }

    /// A difference: a line for people, with further lines below it, and the same for programs.
    pub(super) fn tell(&mut self, kind: Kind, text: &str, below: &[String], mut fields: Json) -> anyhow::Result<()> {
        *self.counts.entry(kind.name()).or_default() += 1;
        if self.reporter.is_json() {
            if let Json::Object(members) = &mut fields {
                members.insert("event".to_owned(), json!("difference"));
                members.insert("kind".to_owned(), json!(kind.name()));
            }
            return self.reporter.row_of(&fields);
        }
        self.reporter.row(&format!("{:<10} {}", kind.name().replace('_', " "), plain(text)))?;
        for line in below {
            self.reporter.row(&format!("{:<10}   {}", "", plain(line)))?;
        }
        Ok(())
    }

    /// The counts, by kind.
    pub(super) fn finish(self) -> anyhow::Result<BTreeMap<&'static str, u64>> {
        self.reporter.flush_rows()?;
        self.reporter.end_progress();
        Ok(self.counts)
    }
}

//! Reports of the trusted execution environment (TEE) that this host runs in.
//!
//! The kernel gives such reports, of AMD SEV-SNP, Intel TDX and others, through configfs-tsm, which is root's. The
//! agent is not root: it asks the program of this crate, `selfsame-tsm-report`, over a socket. This library is what
//! the two share: what is asked ([`ReportData`]), what is answered ([`Answer`]), and the check that a report is over
//! what was asked ([`check`]). [`Reports`] is the helper's own part.
//!
//! No hardware with a TEE was seen by those who wrote this: it was written after the kernel's sources and the makers'
//! specifications, and is tested against a stand-in for configfs-tsm.
//!
//! # The socket
//!
//! One connection is one report. The client writes the 64 bytes of the report data, lineage and then nonce, and shuts
//! its side down; the helper writes one [`Answer`], and closes. All of the 64 bytes must have come
//! [`ASK_MOST`] after the helper's start.
#![forbid(unsafe_code)]

mod answer;
mod asked;
mod evidence;
mod reports;

pub use answer::{ANSWER_MAX_BYTES, Answer, AnswerError, PROVIDER_MAX_BYTES, Refusal, RefusalKind, Report};
pub use asked::{ASK_MOST, AskError, REPORT_DATA_BYTES, ReportData, asked};
pub use evidence::{Checked, EvidenceError, check};
pub use reports::{REPORT_MAX_BYTES, ReportError, Reports, TSM_REPORT};

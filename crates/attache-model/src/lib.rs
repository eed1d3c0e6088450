#![doc = include_str!("../README.md")]

mod causes;
mod claim;
mod context;
mod digest;
mod entropy;
mod error;
mod file;
mod finding;
mod ids;
mod limits;
mod media;
mod names;
mod outage;
mod people;
mod principal;
mod time;
mod upload;

pub use causes::with_causes;
pub use claim::{Claim, Holder};
pub use context::{Actor, Context, Credentials, RequestId};
pub use digest::Sha256Digest;
pub use entropy::{Entropy, OsEntropy};
pub use error::InvalidValue;
pub use file::{FileRecord, FileState, LifecycleError, ObjectKey, Visibility};
pub use finding::{Finding, FindingLevel};
pub use ids::{
    BlobId, FileId, FileSeq, InstallationId, PersonId, PrincipalSeq, Revision, TenantId,
};
pub use limits::Limits;
pub use media::{MediaType, TypeEvidence};
pub use names::{
    Category, Description, DisplayName, Filename, PersonIdentifier, PrincipalSubject, TenantSlug,
    to_nfc,
};
pub use outage::{Outage, OutageChange};
pub use people::{Person, PersonRef, Tenant};
pub use principal::{Principal, Scope, Scopes};
pub use time::{Clock, SystemClock, Timestamp};
pub use upload::{Upload, UploadState};

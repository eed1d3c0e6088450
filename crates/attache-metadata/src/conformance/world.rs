//! Tools of the checks: a repository, seeded ids, and shorthands.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use attache_model::{
    BlobId, Category, Context, DisplayName, Entropy, FileId, FileRecord, Filename, InvalidValue,
    MediaType, PersonId, PersonIdentifier, PersonRef, Principal, RequestId, Scopes, Sha256Digest,
    TenantSlug, Timestamp, Visibility, with_causes,
};

use super::Fixture;
use crate::{
    Attempt, BlobFacts, BlobIntent, CommittedFile, LeaseToken, MetadataRepository, NewApiKey,
    NewFile, NewFiles, PageRequest, ReapStage, ReapTask, Refusal, RepositoryError, StoredFile,
};
use crate::{FileQuery, PageKey};

/// The reason why a check failed.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        Self(with_causes(&error))
    }
}

impl From<InvalidValue> for Problem {
    fn from(error: InvalidValue) -> Self {
        Self(error.to_string())
    }
}

/// The result of a check.
pub(super) type CheckResult = Result<(), Problem>;

/// Fails the check unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::world::Problem::new(format!($($message)+)));
        }
    };
}

/// Fails the check unless the two are equal.
macro_rules! ensure_eq {
    ($found:expr, $expected:expr, $($message:tt)+) => {
        let (found, expected) = (&$found, &$expected);
        if found != expected {
            return Err($crate::conformance::world::Problem::new(format!(
                "{}: found {found:?}, expected {expected:?}", format_args!($($message)+)
            )));
        }
    };
}

pub(super) use {ensure, ensure_eq};

/// A duration that does not pass within a check.
pub(super) const HOUR: Duration = Duration::from_hours(1);

/// A seeded random generator (`SplitMix64`).
#[derive(Debug)]
pub(super) struct Seeded(AtomicU64);

impl Seeded {
    pub(super) fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// An index into a list of `length` values, which is not 0.
    pub(super) fn index(&self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(1);
        usize::try_from(self.below(length)).unwrap_or(0)
    }

    /// One of the values, of which there is at least one.
    pub(super) fn pick<T: Copy>(&self, values: &[T]) -> T {
        values[self.index(values.len())]
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

/// A repository under test, and the tools of a check.
pub(super) struct World {
    fixture: Box<dyn Fixture>,
    repository: Arc<dyn MetadataRepository>,
    /// The duration of a lease, or of a retry interval of the reaper, that a check lets pass.
    pub(super) short_duration: Duration,
    pub(super) random: Seeded,
    millis: AtomicI64,
}

impl World {
    pub(super) fn new(fixture: Box<dyn Fixture>) -> Self {
        Self {
            repository: fixture.repository(),
            short_duration: fixture.short_lease(),
            fixture,
            random: Seeded(AtomicU64::new(0x6174_7461_6368_6521)),
            millis: AtomicI64::new(1_700_000_000_000),
        }
    }

    pub(super) fn repository(&self) -> &dyn MetadataRepository {
        &*self.repository
    }

    /// Lets a [`short_duration`](Self::short_duration) pass, but no [`HOUR`].
    pub(super) async fn advance_past_short(&self) {
        self.fixture.advance(self.short_duration * 2).await;
    }

    /// Returns a later timestamp than every one before.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.fetch_add(10, Ordering::Relaxed))
    }

    /// Creates a tenant with an API key.
    pub(super) async fn tenant(&self, slug: &str) -> Result<Tenancy, Problem> {
        let repository = self.repository();
        let slug = TenantSlug::parse(slug)?;
        let tenant = repository.create_tenant(&slug, self.now()).await?;
        let tenant = tenant.ok_or_else(|| Problem::new("the slug is taken"))?;
        let key = NewApiKey {
            tenant: tenant.id,
            key_id: format!("key-of-{slug}"),
            secret_hash: [7; 32],
            name: None,
            scopes: Scopes::all(),
            expires_at: None,
        };
        let key = repository.create_api_key(&key, self.now()).await?;
        let key = key.ok_or_else(|| Problem::new("the tenant of the key is not found"))?;
        Ok(Tenancy {
            principal: key.principal,
            request_id: RequestId::parse("conformance")?,
        })
    }

    /// A context of a tenant, at a timestamp of its own.
    pub(super) fn context(&self, tenancy: &Tenancy) -> Context {
        tenancy.context_at(self.now())
    }

    /// Begins a blob, and describes a file with it: private, without person and category. Files with the
    /// same `content` have the same bytes.
    pub(super) async fn draft(&self, cx: &Context, content: &str) -> Result<NewFile, Problem> {
        self.draft_leased(cx, content, HOUR).await
    }

    pub(super) async fn draft_leased(
        &self,
        cx: &Context,
        content: &str,
        lease_for: Duration,
    ) -> Result<NewFile, Problem> {
        let blob = BlobId::generate(cx.now(), &self.random);
        let intent = BlobIntent {
            id: blob,
            storage_key: storage_key(cx, blob),
            lease: LeaseToken::generate(&self.random),
            lease_for,
        };
        self.repository()
            .begin_blobs(cx, std::slice::from_ref(&intent))
            .await?;
        let size_bytes = u64::try_from(content.len()).unwrap_or(0);
        Ok(NewFile {
            id: FileId::generate(cx.now(), &self.random),
            blob,
            lease: intent.lease,
            facts: BlobFacts::plain(size_bytes, digest(content)),
            person: None,
            new_person_id: PersonId::generate(cx.now(), &self.random),
            category: None,
            name: DisplayName::parse("A report")?,
            filename: Filename::parse("report.pdf")?,
            description: None,
            content_type: MediaType::parse("application/pdf")?,
            visibility: Visibility::Private,
            dedup: false,
            held: false,
        })
    }

    /// Commits one file.
    pub(super) async fn commit(
        &self,
        cx: &Context,
        file: NewFile,
    ) -> Result<CommittedFile, Problem> {
        let mut committed = accepted(self.try_commit(cx, vec![file]).await)?;
        ensure_eq!(committed.len(), 1, "files returned for one committed");
        committed
            .pop()
            .ok_or_else(|| Problem::new("no file was returned"))
    }

    pub(super) async fn try_commit(
        &self,
        cx: &Context,
        files: Vec<NewFile>,
    ) -> Attempt<Vec<CommittedFile>> {
        let upload = NewFiles {
            files,
            idempotency_key: None,
        };
        self.repository().commit_files(cx, &upload).await
    }

    /// Commits a plain file with this content.
    pub(super) async fn file(&self, cx: &Context, content: &str) -> Result<FileRecord, Problem> {
        let draft = self.draft(cx, content).await?;
        Ok(self.commit(cx, draft).await?.record)
    }

    /// Finds a file that must exist.
    pub(super) async fn stored(&self, cx: &Context, id: FileId) -> Result<StoredFile, Problem> {
        let found = self.repository().find_file(cx, id).await?;
        found.ok_or_else(|| Problem::new(format!("the file {id} is not found")))
    }

    /// Takes all tasks of the reaper, so that they are not handed out again for an hour.
    pub(super) async fn reapable(&self) -> Result<Vec<ReapTask>, Problem> {
        let mut tasks = Vec::new();
        for _ in 0..1000 {
            let more = self.repository().take_reapable(10, HOUR).await?;
            ensure!(more.len() <= 10, "more tasks than the limit");
            if more.is_empty() {
                return Ok(tasks);
            }
            tasks.extend(more);
        }
        Err(Problem::new("the reaper is given tasks without end"))
    }

    /// Returns a whole list, page by page. Fails if it does not end.
    pub(super) async fn list(
        &self,
        cx: &Context,
        query: &FileQuery,
        limit: u32,
    ) -> Result<Vec<FileRecord>, Problem> {
        let mut files = Vec::new();
        let mut after: Option<PageKey> = None;
        for _ in 0..10_000 {
            let page = PageRequest { limit, after };
            let page = self.repository().list_files(cx, query, &page).await?;
            let many = usize::try_from(limit).is_ok_and(|limit| page.files.len() > limit);
            ensure!(!many, "a page is longer than its limit of {limit}");
            files.extend(page.files);
            after = page.next;
            if after.is_none() {
                return Ok(files);
            }
        }
        Err(Problem::new("the list does not end"))
    }
}

/// A tenant and its principal.
pub(super) struct Tenancy {
    pub(super) principal: Principal,
    request_id: RequestId,
}

impl Tenancy {
    /// A context of the tenant at the given time.
    pub(super) fn context_at(&self, now: Timestamp) -> Context {
        Context::for_principal(self.principal.clone(), self.request_id.clone(), now)
    }
}

/// Returns `true` if the reaper is to delete this blob.
pub(super) fn is_deleted(tasks: &[ReapTask], blob: BlobId) -> bool {
    tasks
        .iter()
        .any(|task| task.id == blob && task.stage == ReapStage::Delete)
}

/// Returns the value of a change, or fails if it was refused.
pub(super) fn accepted<T>(attempt: Attempt<T>) -> Result<T, Problem> {
    attempt?.map_err(|refusal| Problem::new(format!("refused: {refusal}")))
}

/// Fails unless a change was refused with `expected`.
pub(super) fn refused<T>(attempt: Attempt<T>, expected: &Refusal, what: &str) -> CheckResult {
    match attempt? {
        Ok(_) => Err(Problem::new(format!(
            "{what} is not refused: {expected:?} expected"
        ))),
        Err(found) => {
            ensure_eq!(found, *expected, "{what} is refused otherwise");
            Ok(())
        }
    }
}

/// A person by the tenant's name for them.
pub(super) fn person(identifier: &str) -> Result<PersonRef, Problem> {
    Ok(PersonRef::Identifier(PersonIdentifier::parse(identifier)?))
}

pub(super) fn category(slug: &str) -> Result<Option<Category>, Problem> {
    Ok(Some(Category::parse(slug)?))
}

pub(super) fn storage_key(cx: &Context, blob: BlobId) -> String {
    format!("{}/00/{blob}", cx.tenant())
}

/// Returns a stand-in for the digest of a text: equal for equal texts, and different for those used here.
pub(super) fn digest(content: &str) -> Sha256Digest {
    let mut bytes = [0; 32];
    for (lane, chunk) in bytes.chunks_mut(8).enumerate() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::try_from(lane).unwrap_or(0);
        for byte in content.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        chunk.copy_from_slice(&hash.to_be_bytes());
    }
    Sha256Digest::from_bytes(bytes)
}

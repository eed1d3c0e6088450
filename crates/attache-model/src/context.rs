//! The context of a call: tenant, actor, request and time. The first parameter of every call that
//! touches a tenant's data.

use std::fmt;
use std::sync::Arc;

use crate::{InvalidValue, Principal, PrincipalSeq, Scope, TenantId, Timestamp};

/// The id of one request in logs and responses: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Parses a request id.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is not 1 to 128 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            return Err(InvalidValue::new(
                "request id",
                "is not 1 to 128 visible ASCII characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The token that a principal was authenticated by, kept to authenticate it again while its request runs. Never
/// shown.
#[derive(Clone)]
pub struct Credentials(Arc<str>);

impl Credentials {
    /// Keeps a token.
    pub fn new(token: &str) -> Self {
        Self(token.into())
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The authority on which a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An authenticated principal, within its scopes.
    Principal(Principal),
    /// The bearer of a verified link, restricted to the action and the file of the link.
    LinkBearer,
    /// Anyone, restricted to the bytes of public files.
    Anyone,
}

/// The scope of one call: tenant, actor, request and time.
///
/// A service or repository method that takes a `Context` sees that tenant's data and no other's.
/// [`Context::for_principal`] is the usual constructor, after authentication.
///
/// ```
/// use attache_model::{
///     Context, Principal, PrincipalSeq, RequestId, Scope, Scopes, Tenant, TenantId, TenantSlug,
///     Timestamp,
/// };
///
/// let tenant = Tenant {
///     id: TenantId::new(1),
///     slug: TenantSlug::parse("school-7")?,
///     created_at: Timestamp::parse("2026-01-31")?,
/// };
/// let scopes: Scopes = "files:read".parse()?;
/// let principal = Principal { seq: PrincipalSeq::new(1), tenant, scopes };
/// let now = Timestamp::parse("2026-01-31T12:00:00Z")?;
/// let cx = Context::for_principal(principal, RequestId::parse("request-1")?, now);
///
/// assert_eq!(cx.tenant(), TenantId::new(1));
/// assert!(cx.holds(Scope::FilesRead));
/// assert!(!cx.holds(Scope::FilesDelete));
/// # Ok::<(), attache_model::InvalidValue>(())
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    tenant: TenantId,
    actor: Actor,
    credentials: Option<Credentials>,
    request_id: RequestId,
    now: Timestamp,
}

impl Context {
    /// Creates the context of a principal, in its own tenant.
    pub fn for_principal(principal: Principal, request_id: RequestId, now: Timestamp) -> Self {
        Self {
            tenant: principal.tenant.id,
            actor: Actor::Principal(principal),
            credentials: None,
            request_id,
            now,
        }
    }

    /// Creates the context of a caller without a principal; `actor` is its authority.
    pub fn for_bearer(
        tenant: TenantId,
        actor: Actor,
        request_id: RequestId,
        now: Timestamp,
    ) -> Self {
        Self {
            tenant,
            actor,
            credentials: None,
            request_id,
            now,
        }
    }

    /// Returns the same context with the credentials of its principal, so that long work can check that they are
    /// still valid.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self {
            credentials: Some(credentials),
            ..self
        }
    }

    /// Returns the same context at another time. The service does this at the beginning of each operation, so
    /// that a context may be used for many, over any time.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        Self {
            now,
            ..self.clone()
        }
    }

    /// The tenant whose data the call may touch.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The authority on which the call is made.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The acting principal; `None` for the bearer of a link and for the public.
    pub fn principal(&self) -> Option<&Principal> {
        match &self.actor {
            Actor::Principal(principal) => Some(principal),
            Actor::LinkBearer | Actor::Anyone => None,
        }
    }

    /// The credentials of the principal; `None` for a context that was made without authentication.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// The acting principal's number, for `uploaded_by` and events.
    pub fn principal_seq(&self) -> Option<PrincipalSeq> {
        self.principal().map(|principal| principal.seq)
    }

    /// Returns `true` if the actor is a principal that holds `scope`.
    pub fn holds(&self, scope: Scope) -> bool {
        self.principal()
            .is_some_and(|principal| principal.scopes.contains(scope))
    }

    /// The request this call serves.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The time at which the repository's call happens, for timestamps. Operations of the service do not go by
    /// it, but by the service's clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

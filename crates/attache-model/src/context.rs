//! Who asks, for which tenant, when: the first parameter of every call that touches a tenant's data.

use std::fmt;

use crate::{InvalidValue, Principal, PrincipalSeq, Scope, TenantId, Timestamp};

/// Names one request in logs and answers: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Checks a request id.
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

/// On whose authority a call is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An authenticated principal, within its scopes.
    Principal(Principal),
    /// The bearer of a verified link: may do the one thing to the one file that the link names.
    LinkBearer,
    /// Anybody at all: may read bytes made public on purpose.
    Anyone,
}

/// The scope of one call: tenant, actor, request and moment.
///
/// A service or repository method that takes a `Context` sees that tenant's data and no other's.
#[derive(Debug, Clone)]
pub struct Context {
    tenant: TenantId,
    actor: Actor,
    request_id: RequestId,
    now: Timestamp,
}

impl Context {
    /// The context of a principal, in its own tenant.
    pub fn for_principal(principal: Principal, request_id: RequestId, now: Timestamp) -> Self {
        Self {
            tenant: principal.tenant.id,
            actor: Actor::Principal(principal),
            request_id,
            now,
        }
    }

    /// The context of someone who brings no key: `actor` says on what ground they read.
    pub fn for_bearer(
        tenant: TenantId,
        actor: Actor,
        request_id: RequestId,
        now: Timestamp,
    ) -> Self {
        Self {
            tenant,
            actor,
            request_id,
            now,
        }
    }

    /// The same context at another moment: a request may take a while before it does what it is for.
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

    /// On whose authority the call is made.
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

    /// The acting principal's number, for `uploaded_by` and events.
    pub fn principal_seq(&self) -> Option<PrincipalSeq> {
        self.principal().map(|principal| principal.seq)
    }

    /// Whether the actor is a principal that holds `scope`.
    pub fn holds(&self, scope: Scope) -> bool {
        self.principal()
            .is_some_and(|principal| principal.scopes.contains(scope))
    }

    /// The request this call serves.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The moment the request is taken to happen at.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}

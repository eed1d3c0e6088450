//! The authorisation table: the scope that each action requires.

use attache_model::{Context, Scope};

use crate::ServiceError;

/// Everything that requires a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Store files, in one request or as a pending upload.
    Upload,
    /// List records.
    List,
    /// Read one record.
    ReadRecord,
    /// Read bytes.
    ReadContent,
    /// Change a record's fields.
    Change,
    /// Claim a file for a holder.
    Claim,
    /// Release a holder's claim.
    Release,
    /// Archive a file.
    Archive,
    /// Restore an archived file.
    Restore,
    /// Delete a file permanently.
    Delete,
    /// Create a link whose bearer may read bytes.
    CreateLink,
    /// Release a held file, so that its bytes are served.
    ReleaseHold,
    /// Make a file's bytes public.
    Publish,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 13] = [
        Self::Upload,
        Self::List,
        Self::ReadRecord,
        Self::ReadContent,
        Self::Change,
        Self::Claim,
        Self::Release,
        Self::Archive,
        Self::Restore,
        Self::Delete,
        Self::CreateLink,
        Self::ReleaseHold,
        Self::Publish,
    ];

    /// The scope that the principal must hold.
    pub const fn required_scope(self) -> Scope {
        match self {
            Self::List | Self::ReadRecord => Scope::FilesRead,
            Self::ReadContent => Scope::ContentRead,
            Self::Upload | Self::Change | Self::Archive | Self::Restore | Self::ReleaseHold => {
                Scope::FilesWrite
            }
            Self::Claim | Self::Release => Scope::FilesClaim,
            Self::Delete => Scope::FilesDelete,
            // Both give others access to bytes.
            Self::CreateLink | Self::Publish => Scope::LinksCreate,
        }
    }
}

/// Checks that the principal holds the scope of an action. Every operation of
/// [`FileService`](crate::FileService) that acts for a principal calls this first.
///
/// The bearer of a link and the public hold no scopes: their access is checked with the link's
/// signature or the record's visibility.
pub(crate) fn authorise(cx: &Context, action: Action) -> Result<(), ServiceError> {
    require_scope(action, |scope| cx.holds(scope))
}

/// Checks that the scope of an action is held.
pub(crate) fn require_scope(
    action: Action,
    holds: impl FnOnce(Scope) -> bool,
) -> Result<(), ServiceError> {
    let scope = action.required_scope();
    if holds(scope) {
        Ok(())
    } else {
        Err(ServiceError::MissingScope(scope))
    }
}

#[cfg(test)]
mod tests {
    use attache_model::{
        Actor, Principal, PrincipalSeq, RequestId, Scopes, Tenant, TenantId, TenantSlug, Timestamp,
    };

    use super::*;

    fn context(scopes: Scopes) -> Context {
        let now = Timestamp::from_millis(0);
        let slug = TenantSlug::parse("t").unwrap();
        let tenant = Tenant {
            id: TenantId::new(1),
            slug,
            created_at: now,
        };
        let principal = Principal {
            seq: PrincipalSeq::new(1),
            tenant,
            scopes,
        };
        Context::for_principal(principal, RequestId::parse("r").unwrap(), now)
    }

    #[test]
    fn action_requires_exactly_its_own_scope() {
        for action in Action::ALL {
            for scope in Scope::ALL {
                let allowed = authorise(&context([scope].into_iter().collect()), action).is_ok();
                assert_eq!(
                    allowed,
                    scope == action.required_scope(),
                    "{action:?} with {scope}"
                );
            }
        }
    }

    #[test]
    fn actor_without_principal_is_refused() {
        let request = RequestId::parse("r").unwrap();
        for actor in [Actor::Anyone, Actor::LinkBearer] {
            let cx = Context::for_bearer(
                TenantId::new(1),
                actor,
                request.clone(),
                Timestamp::from_millis(0),
            );
            assert!(
                Action::ALL
                    .into_iter()
                    .all(|action| authorise(&cx, action).is_err())
            );
        }
    }
}

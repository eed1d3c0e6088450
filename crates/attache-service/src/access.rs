//! The authorisation table: what each action needs. The only place that decides.

use attache_model::{Context, Scope};

use crate::ServiceError;

/// Everything a principal may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Store files, in one request or as an upload that is begun first.
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
    /// Put a file away.
    Archive,
    /// Bring an archived file back.
    Restore,
    /// Delete a file for good.
    Delete,
    /// Make a link that lets its bearer read bytes.
    CreateLink,
    /// Let the bytes of a held file be served.
    ReleaseHold,
    /// Let anybody read a file's bytes.
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

    /// The scope a principal must hold.
    pub const fn required_scope(self) -> Scope {
        match self {
            Self::List | Self::ReadRecord => Scope::FilesRead,
            Self::ReadContent => Scope::ContentRead,
            Self::Upload | Self::Change | Self::Archive | Self::Restore | Self::ReleaseHold => {
                Scope::FilesWrite
            }
            Self::Claim | Self::Release => Scope::FilesClaim,
            Self::Delete => Scope::FilesDelete,
            // Both let others read bytes.
            Self::CreateLink | Self::Publish => Scope::LinksCreate,
        }
    }
}

/// Lets a principal with the scope pass. The bearer of a link and the public hold no scopes; what
/// they may read is decided where the link or the record's visibility is checked.
pub(crate) fn authorise(cx: &Context, action: Action) -> Result<(), ServiceError> {
    let scope = action.required_scope();
    if cx.holds(scope) {
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
    fn each_action_passes_with_its_scope_alone_and_with_no_other() {
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
    fn without_a_principal_nothing_passes() {
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

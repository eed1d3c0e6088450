//! Admission to a dialect: the tenant that a request names, and every scope that its endpoint needs.

use attache_model::Context;
use attache_service::{Action, FileService};

use super::spec::{DialectSpec, TenantFrom};
use crate::call::RequestHead;
use crate::endpoint::Access;
use crate::problem::{Problem, ProblemKind};

impl DialectSpec {
    /// Refuses a request that names another tenant than its key's, and one whose key lacks a scope.
    ///
    /// A dialect's endpoint may call several verbs of the service, each of which authorises itself: all
    /// of them are authorised here first, so that none is done alone. With [`Access::KeyForSome`] the
    /// endpoint does so itself, by [`authorise_all`].
    pub(crate) fn admit(
        &self,
        service: &FileService,
        cx: &Context,
        head: &RequestHead,
        access: Access,
    ) -> Result<(), Problem> {
        self.check_tenant(cx, head)?;
        match access {
            Access::KeyForSome(_) => Ok(()),
            _ => authorise_all(service, cx, access.actions()),
        }
    }

    fn check_tenant(&self, cx: &Context, head: &RequestHead) -> Result<(), Problem> {
        let own = cx
            .principal()
            .map(|principal| principal.tenant.slug.as_str());
        let (place, agrees) = match self.tenant {
            TenantFrom::Key => return Ok(()),
            TenantFrom::Path(name) => {
                let named = head.path_param(name)?;
                ("the path", named.is_none_or(|slug| own == Some(&*slug)))
            }
            TenantFrom::Header(name) => {
                let mut values = head.parts.headers.get_all(name).iter();
                let agrees = values.all(|value| own.map(str::as_bytes) == Some(value.as_bytes()));
                (name, agrees)
            }
        };
        if agrees {
            return Ok(());
        }
        let detail = format!("{place} names a tenant that is not the key's");
        Err(Problem::new(ProblemKind::OtherTenant, detail))
    }
}

/// Refuses a principal that may not do all of these.
pub(super) fn authorise_all(
    service: &FileService,
    cx: &Context,
    actions: &[Action],
) -> Result<(), Problem> {
    for action in actions {
        service.authorise(cx, *action)?;
    }
    Ok(())
}

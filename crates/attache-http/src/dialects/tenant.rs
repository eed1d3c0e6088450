//! The tenant that a request to a dialect names.

use attache_model::Context;

use super::spec::{DialectSpec, TenantFrom};
use crate::call::RequestHead;
use crate::problem::{Problem, ProblemKind};

impl DialectSpec {
    /// Refuses a request that names another tenant than its key's.
    pub(crate) fn check_tenant(&self, cx: &Context, head: &RequestHead) -> Result<(), Problem> {
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

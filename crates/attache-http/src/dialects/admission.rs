//! Who may ask in a dialect: the key, the tenant that the request names, and all that it will do.

use attache_model::Context;
use attache_service::Action;

use crate::app::App;
use crate::call::RequestHead;
use crate::operations::Access;
use crate::problem::{Problem, ProblemKind};

/// Where a request names its tenant, by its slug.
#[derive(Debug, Clone, Copy)]
pub(super) enum NamedTenant<'r> {
    /// In this header, which may be absent.
    Header(&'static str),
    /// In its path.
    Segment(&'r str),
    /// Nowhere: the key's counts.
    Nowhere,
}

/// Finds out who asks. Refuses a tenant that is not the key's, and whoever may not do all that the
/// operation does, before any of it is done. What it does only sometimes is for the operation to
/// [`authorise_all`].
pub(super) async fn admit(
    app: &App,
    head: &RequestHead,
    access: Access,
    named: NamedTenant<'_>,
) -> Result<Context, Problem> {
    let cx = head.authenticate(app).await?;
    check_tenant(&cx, head, named)?;
    if !matches!(access, Access::KeyForSome(_)) {
        authorise_all(app, &cx, access.actions())?;
    }
    Ok(cx)
}

/// Refuses whoever may not do all of these.
pub(super) fn authorise_all(app: &App, cx: &Context, actions: &[Action]) -> Result<(), Problem> {
    for action in actions {
        app.service.authorise(cx, *action)?;
    }
    Ok(())
}

fn check_tenant(cx: &Context, head: &RequestHead, named: NamedTenant<'_>) -> Result<(), Problem> {
    let own = cx
        .principal()
        .map(|principal| principal.tenant.slug.as_str());
    let (place, agrees) = match named {
        NamedTenant::Nowhere => return Ok(()),
        NamedTenant::Segment(slug) => ("the path", own == Some(slug)),
        NamedTenant::Header(name) => {
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

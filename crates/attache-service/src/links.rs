//! Links: what lets its bearer read one file until it expires.

use std::time::Duration;

use attache_model::{Actor, Context, FileId, FileState, Filename, RequestId, Timestamp};
use attache_signing::{LinkAction, LinkFields, LinkQuery, sign_link, verify_link};

use crate::access::{Action, authorise};
use crate::lifetime::lifetime;
use crate::{Download, FileService, ServiceError};

/// A link to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRequest {
    /// What its bearer gets: a download, or a view in place where the type allows.
    pub action: LinkAction,
    /// How long it holds, in whole seconds; `None` for the default of 15 minutes.
    pub expires_in: Option<Duration>,
}

/// A link that was made: everything its URL says.
#[derive(Debug, Clone)]
pub struct IssuedLink {
    /// The file, in the URL's path.
    pub file: FileId,
    /// The name the bytes are served under, in the URL's path.
    pub filename: Filename,
    /// The URL's query.
    pub query: LinkQuery,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl FileService {
    /// Makes a link to an active file.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `Archived`; `Invalid` for a lifetime of nothing or over the cap.
    pub async fn create_link(
        &self,
        cx: &Context,
        id: FileId,
        request: LinkRequest,
    ) -> Result<IssuedLink, ServiceError> {
        authorise(cx, Action::CreateLink)?;
        let timing = &self.parts.timing;
        let lifetime = lifetime(
            request.expires_in,
            timing.default_link_lifetime,
            timing.max_link_lifetime,
        )?;
        let found = self.parts.repository.find_file(cx, id).await?;
        let record = found.ok_or(ServiceError::NotFound)?.record;
        if record.state() == FileState::Archived {
            return Err(ServiceError::Archived);
        }
        let expires_at = self.parts.clock.now().plus(lifetime).floor_to_second();
        let fields = LinkFields {
            action: request.action,
            tenant: cx.tenant(),
            file: id,
            filename: record.filename,
            expires_at: expires_at.as_seconds(),
        };
        let query = sign_link(&self.parts.key_ring, &fields);
        Ok(IssuedLink {
            file: id,
            filename: fields.filename,
            query,
            expires_at,
        })
    }

    /// Opens the bytes a link names. `pairs` are the decoded pairs of the URL's query.
    ///
    /// Nothing is looked up before the signature holds.
    ///
    /// # Errors
    ///
    /// `InvalidLink`, `LinkExpired`; `NotFound` where the file was archived or deleted since.
    pub async fn open_link(
        &self,
        file: FileId,
        filename: &str,
        pairs: &[(String, String)],
        request_id: RequestId,
    ) -> Result<Download, ServiceError> {
        let now = self.parts.clock.now();
        let cap = self.parts.timing.verification_cap();
        let pairs = pairs.iter().map(|(name, value)| (name, value));
        let link = verify_link(&self.parts.key_ring, file, filename, pairs, now, cap)?;
        let LinkFields {
            action,
            tenant,
            filename,
            ..
        } = link.into_fields();
        let cx = Context::for_bearer(tenant, Actor::LinkBearer, request_id, now);
        self.open(&cx, file, Some(filename), action == LinkAction::View)
            .await
    }
}

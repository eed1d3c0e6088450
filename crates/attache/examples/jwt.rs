//! Custom authentication: tokens (JWT) that another identity service issued, beside API keys.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use attache::model::{Principal, PrincipalSubject};
use attache::service::Authenticator;
use attache::{
    Administration, ApiKeyRequest, Body, Filename, IncomingFile, Installation, InstallationOptions,
    RequestId, Scopes, ServiceError, TenantSlug, UploadFields,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// Shared with the identity service. With public-key algorithms, this side has only the public key.
const SECRET: &[u8] = b"shared with the identity service";

/// The claims in a token of the identity service.
#[derive(Serialize, Deserialize)]
struct TokenClaims {
    sub: String,
    tenant: String,
    /// Comma-separated scopes, such as `files:read,content:read`.
    scope: String,
    /// Seconds since 1970.
    exp: u64,
    aud: String,
}

/// Accepts the tokens of the identity service.
struct TokenAuthenticator {
    administration: Administration,
    key: DecodingKey,
    validation: Validation,
}

impl TokenAuthenticator {
    fn new(administration: Administration) -> Self {
        // Naming the algorithm keeps a token from choosing one.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&["attache"]);
        Self {
            administration,
            key: DecodingKey::from_secret(SECRET),
            validation,
        }
    }
}

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Principal, ServiceError> {
        let refused = || ServiceError::Unauthenticated;
        let token = decode::<TokenClaims>(token, &self.key, &self.validation);
        let claims = token.map_err(|_| refused())?.claims;
        let tenant = TenantSlug::parse(&claims.tenant).map_err(|_| refused())?;
        let subject = PrincipalSubject::parse(&claims.sub).map_err(|_| refused())?;
        let scopes: Scopes = claims.scope.parse().map_err(|_| refused())?;
        // The first request of a subject assigns the number that records keep as `uploaded_by`.
        let registered = self
            .administration
            .register_principal(&tenant, &subject, scopes)
            .await?;
        registered.ok_or_else(refused)
    }
}

impl std::fmt::Debug for TokenAuthenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAuthenticator").finish_non_exhaustive()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    run(&directory.path().join("attache-data")).await
}

/// Runs the example in a directory that need not exist yet.
pub(crate) async fn run(data_dir: &Path) -> anyhow::Result<()> {
    let options = InstallationOptions::in_directory(data_dir);
    let attache = Installation::open_with(options, |builder| {
        let authenticator = TokenAuthenticator::new(builder.administration());
        builder.also_authenticator(Arc::new(authenticator))
    })
    .await?;
    let tenant = TenantSlug::parse("clinic-3")?;
    attache.administration().create_tenant(&tenant).await?;

    let files = attache.service();
    let request_id = RequestId::parse("example-1")?;
    let nurse = files
        .authenticate(&issue("user:7", "files:write")?, request_id.clone())
        .await?;
    let scan = IncomingFile::named(Filename::parse("x-ray.txt")?);
    let body = Body::from("a broken wrist");
    let stored = files
        .upload(&nurse, scan, UploadFields::default(), body)
        .await?;
    ensure!(stored.record.uploaded_by == nurse.principal().map(|principal| principal.seq));
    println!("stored by principal {:?}", stored.record.uploaded_by);

    // The token's scopes limit the request.
    let refused = files.get_file(&nurse, stored.record.id).await;
    ensure!(matches!(refused, Err(ServiceError::MissingScope(_))));
    let forged = issue("user:7", "files:delete")?.replace('.', "x");
    let refused = files.authenticate(&forged, request_id).await;
    ensure!(matches!(refused, Err(ServiceError::Unauthenticated)));

    // API keys work as well.
    let request = ApiKeyRequest {
        tenant,
        name: None,
        scopes: Scopes::all(),
        lifetime: None,
    };
    let issued = attache.administration().create_api_key(request).await?;
    let key = issued.context("the tenant is missing")?.key.reveal();
    let job = files
        .authenticate(&key, RequestId::parse("example-2")?)
        .await?;
    ensure!(
        files
            .get_file(&job, stored.record.id)
            .await?
            .filename
            .as_str()
            == "x-ray.txt"
    );

    attache.close().await;
    Ok(())
}

/// Issues a token, as the identity service would.
fn issue(subject: &str, scope: &str) -> anyhow::Result<String> {
    let claims = TokenClaims {
        sub: subject.to_owned(),
        tenant: "clinic-3".to_owned(),
        scope: scope.to_owned(),
        exp: 4_102_444_800,
        aud: "attache".to_owned(),
    };
    let key = EncodingKey::from_secret(SECRET);
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}

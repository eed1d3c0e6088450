//! The HTTP client with TLS, by rustls on ring.

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// Returns a client for HTTPS and plain HTTP. Reads the machine's certificates.
pub(crate) fn https_client() -> SharedHttpClient {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

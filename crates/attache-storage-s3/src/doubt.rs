//! Looks out for answers that do not take the key, so that the session asks for another before its end.

use std::sync::Arc;

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

use crate::meaning::refuses_key;
use crate::session::Session;

/// Sees all answers of a client. The SDK hands interceptors the error without its type, and so
/// without its code; hence the look at the body.
#[derive(Debug)]
pub(crate) struct Doubt(Arc<Session>);

impl Doubt {
    pub(crate) fn new(session: &Arc<Session>) -> Self {
        Self(Arc::clone(session))
    }
}

impl Intercept for Doubt {
    fn name(&self) -> &'static str {
        "Doubt"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        if answer.status().is_success() {
            return Ok(());
        }
        // None to a `HEAD`. The next request that is not one tells.
        let body = answer.body().bytes().unwrap_or_default();
        if code(body).is_some_and(refuses_key) {
            self.0.doubt_key();
        }
        Ok(())
    }
}

/// The code in the body of an error.
fn code(body: &[u8]) -> Option<&str> {
    let body = str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_and_nothing_else() {
        let body =
            b"<?xml version=\"1.0\"?><Error><Code>ExpiredToken</Code><Message>m</Message></Error>";
        assert_eq!(code(body), Some("ExpiredToken"));
        for body in ["", "<Code>", "<Code>ExpiredToken", "ExpiredToken</Code>"] {
            assert_eq!(code(body.as_bytes()), None, "{body}");
        }
        assert_eq!(code(b"<Code>\xff</Code>"), None);
    }
}

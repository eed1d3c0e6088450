//! Responds with 429 to a peer that causes too many refusals.

use std::convert::Infallible;
use std::task::{Context, Poll};

use attache::HttpService;
use attache::http::{RequestSubject, ResponseBody};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};

use super::refusals::PeerRefusals;
use crate::metrics;

/// A service for one peer, whose refusals are limited.
///
/// A request counts once it has been refused, so one with valid credentials is served whatever else
/// comes from its address.
#[derive(Debug, Clone)]
pub(super) struct LimitRefusals<S> {
    inner: S,
    refusals: PeerRefusals,
}

impl<S> LimitRefusals<S> {
    pub(super) fn new(inner: S, refusals: PeerRefusals) -> Self {
        Self { inner, refusals }
    }
}

impl<S, B> tower::Service<Request<B>> for LimitRefusals<S>
where
    S: tower::Service<
            Request<B>,
            Response = Response<ResponseBody>,
            Error = Infallible,
            Future: Send + 'static,
        >,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = self.inner.call(request);
        let refusals = self.refusals.clone();
        Box::pin(async move {
            let response = response.await?;
            if !is_refusal(&response) || refusals.may_respond() {
                return Ok(response);
            }
            metrics::record_rate_limited();
            Ok(HttpService::rate_limited(response))
        })
    }
}

/// Returns `true` if the request had no valid credentials, or asked for what is not there without any.
fn is_refusal<B>(response: &Response<B>) -> bool {
    let is_refused = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
    );
    let subject = response.extensions().get::<RequestSubject>();
    is_refused && subject.is_none_or(|subject| subject.tenant.is_none())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use attache::model::TenantId;
    use tower::ServiceExt as _;

    use super::super::peer::Peer;
    use super::super::refusals::Refusals;
    use super::*;

    /// Responds with the status in the path; to `/key/…` as to a valid key.
    async fn respond(request: Request<()>) -> Result<Response<ResponseBody>, Infallible> {
        let path = request.uri().path();
        let status = path.rsplit('/').next().unwrap().parse::<u16>().unwrap();
        let mut response = Response::new(ResponseBody::default());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
            .headers_mut()
            .insert("x-request-id", "mine".parse().unwrap());
        let subject = RequestSubject {
            tenant: path.starts_with("/key/").then_some(TenantId::new(1)),
            ..RequestSubject::default()
        };
        response.extensions_mut().insert(subject);
        Ok(response)
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_beyond_the_rate_get_429_and_keys_do_not() {
        let peer = Peer::of(Ipv4Addr::new(192, 0, 2, 1).into());
        let refusals = Refusals::new(1).of(peer);
        let service = LimitRefusals::new(tower::service_fn(respond), refusals);
        let get = async |path: &str| {
            let request = Request::get(path).body(()).unwrap();
            service.clone().oneshot(request).await.unwrap()
        };
        for _ in 0..10 {
            assert_eq!(get("/401").await.status(), 401);
        }
        for refused in ["/401", "/403", "/404", "/405"] {
            let response = get(refused).await;
            assert_eq!(response.status(), 429, "{refused}");
            assert_eq!(response.headers()["retry-after"], "1");
            assert_eq!(response.headers()["x-request-id"], "mine");
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
        }
        for served in ["/200", "/key/200", "/key/403", "/key/404", "/503"] {
            let status = get(served).await.status().as_str().to_owned();
            assert!(served.ends_with(&status), "{served}: {status}");
        }
    }
}

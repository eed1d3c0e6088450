//! The admin listener: metrics in the Prometheus text format, and nothing else.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::metrics::Metrics;

use super::limits::{ACCEPT_PAUSE, HEAD_MAX_BYTES, SCRAPE_TIMEOUT, SCRAPES_MAX};

/// Serves `GET /metrics` until the future is dropped.
pub(crate) async fn serve_metrics(listener: TcpListener, metrics: Metrics) {
    let connections = stream::unfold(&listener, async |listener| {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, listener)),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    });
    let serve = async |stream| {
        // A client that does not finish is cut off.
        let _ = tokio::time::timeout(SCRAPE_TIMEOUT, serve(stream, &metrics)).await;
    };
    connections.for_each_concurrent(SCRAPES_MAX, serve).await;
}

async fn serve(stream: TcpStream, metrics: &Metrics) {
    let service = service_fn(async |request| Ok::<_, Infallible>(respond(&request, metrics)));
    let served = http1::Builder::new()
        .max_header_size(HEAD_MAX_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the admin listener failed");
    }
}

fn respond<B>(request: &Request<B>, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, text) = if request.uri().path() != "/metrics" {
        (
            StatusCode::NOT_FOUND,
            "only /metrics is served here\n".to_owned(),
        )
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        (StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned())
    } else {
        (StatusCode::OK, metrics.render())
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn only_get_and_head_of_metrics_are_served() {
        let metrics = Metrics::of(PrometheusBuilder::new().build_recorder().handle());
        for (method, path, status) in [
            (Method::GET, "/metrics", StatusCode::OK),
            (Method::HEAD, "/metrics", StatusCode::OK),
            (Method::POST, "/metrics", StatusCode::METHOD_NOT_ALLOWED),
            (Method::GET, "/", StatusCode::NOT_FOUND),
        ] {
            let request = Request::builder().method(&method).uri(path);
            let request = request.body(()).unwrap();
            let response = respond(&request, &metrics);
            assert_eq!(response.status(), status, "{method} {path}");
        }
    }
}

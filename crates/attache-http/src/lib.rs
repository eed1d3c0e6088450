#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod config;
mod cors;
mod dialects;
mod endpoint;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod json_budget;
mod link_notice;
mod native;
mod openapi;
mod origin;
mod page_policy;
mod path_params;
mod paths;
mod problem;
mod public_url;
mod readiness;
mod router;
mod schema;
mod service;
mod state;
mod subject;
mod wire;

pub use config::HttpConfig;
pub use dialects::{Dialect, Dialects};
pub use endpoint::{Access, EndpointInfo};
pub use origin::OriginPattern;
pub use public_url::PublicUrl;
pub use router::endpoints;
pub use service::{HttpService, OperationName};
pub use subject::RequestSubject;
pub use wire::response_body::ResponseBody;

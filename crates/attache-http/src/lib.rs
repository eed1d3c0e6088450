#![doc = include_str!("../README.md")]

mod app;
mod call;
mod cors;
mod dialects;
mod endpoints;
mod json_budget;
mod openapi;
mod operations;
mod problem;
mod public_url;
mod readiness;
mod response;
mod route;
mod served;
mod service;
mod views;
mod wire;

pub use app::HttpConfig;
pub use dialects::{Dialect, Dialects};
pub use operations::{Access, OPERATIONS, Operation, Row};
pub use public_url::PublicUrl;
pub use response::ResponseBody;
pub use route::Route;
pub use service::{HttpService, OperationName};

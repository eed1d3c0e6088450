//! The dialects: what their pages print, and what they do where the pages say nothing.

mod authorisation;
mod biometricscloud;
mod dokstamp;
mod flexportal;
mod switches;

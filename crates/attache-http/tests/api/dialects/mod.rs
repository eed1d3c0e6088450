//! The dialects: the behaviour on their pages, and where the pages say nothing.

mod authorisation;
mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod participant_files;
mod redirects;
mod switches;
mod unknown_parameters;

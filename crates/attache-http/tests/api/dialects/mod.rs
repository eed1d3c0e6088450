//! The dialects: what their pages print, and what they do where the pages say nothing.

mod authorisation;
mod biometricscloud;
mod credentials_portal;
mod dokstamp;
mod flexportal;
mod participant_files;
mod redirects;
mod switches;
mod unknown_parameters;

//! The parameters of a path, as the router finds them and as endpoints read them.

use std::borrow::Cow;

use attache_model::FileId;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, MapDeserializer};
use serde::de::{DeserializeOwned, Deserializer};

use crate::problem::{Problem, ProblemKind};
use crate::wire::percent;

/// The parameters of a matched path, by their names in its template; not decoded yet.
#[derive(Debug, Default)]
pub(crate) struct PathParams(Vec<(&'static str, String)>);

impl PathParams {
    pub(crate) fn push(&mut self, name: &'static str, segment: &str) {
        self.0.push((name, segment.to_owned()));
    }

    /// Returns one parameter, decoded; `None` if the template lacks it.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Problem> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, segment)| decode(segment)).transpose()
    }

    /// Reads all parameters into a struct that has their names.
    ///
    /// # Errors
    ///
    /// `not-found` if a parameter cannot be decoded: nothing has such a name.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let decoded = self
            .0
            .iter()
            .map(|(name, segment)| Ok((*name, decode(segment)?)));
        let decoded: Vec<(&str, String)> = decoded.collect::<Result<_, Problem>>()?;
        let values = MapDeserializer::new(decoded.into_iter());
        T::deserialize(values).map_err(|error: ValueError| {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "an endpoint reads other parameters than its path has"
            );
            Problem::new(ProblemKind::Internal, "an internal error")
        })
    }
}

fn decode(segment: &str) -> Result<String, Problem> {
    percent::decode(segment.as_bytes()).map_err(|_| Problem::not_found())
}

/// Reads a file's ID. An ill-formed one reads as an ID that no file has, so that the response is the same
/// as for an unknown one.
pub(crate) fn file_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FileId, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    Ok(file_id_of(&text))
}

/// Reads a file's ID from text, as [`file_id`].
pub(crate) fn file_id_of(text: &str) -> FileId {
    text.parse()
        .unwrap_or_else(|_| FileId::from_uuid(uuid::Uuid::nil()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Named {
        #[serde(deserialize_with = "file_id")]
        id: FileId,
        name: String,
    }

    fn read(id: &str, name: &str) -> Result<Named, Problem> {
        let mut params = PathParams::default();
        params.push("id", id);
        params.push("name", name);
        params.read()
    }

    #[test]
    fn parameters_are_decoded_and_read_by_name() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91";
        let read_back = read(id, "na%C3%AFve%20%22%2F..pdf").unwrap();
        assert_eq!(read_back.id.to_string(), id);
        assert_eq!(read_back.name, "naïve \"/..pdf");
        assert!(read(id, "%zz").is_err());
    }

    #[test]
    fn ill_formed_id_is_one_that_no_file_has() {
        for wrong in ["", "42", "not-an-id"] {
            assert_eq!(read(wrong, "a").unwrap().id.as_uuid(), uuid::Uuid::nil());
        }
    }
}

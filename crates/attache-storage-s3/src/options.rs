//! The location of a bucket and its options, as one URL.

use std::collections::BTreeSet;
use std::time::Duration;

use attache_storage::BlobKey;
use url::Url;

/// The smallest part that S3 accepts, except for the last of an upload.
const SMALLEST_PART_BYTES: usize = 5 * 1024 * 1024;
/// Larger parts would only cost memory: [`PARTS_PER_PUT`] are buffered.
const LARGEST_PART_BYTES: usize = 64 * 1024 * 1024;
/// Three of these are the smallest `buffer_bytes` of a URL.
const DEFAULT_PART_BYTES: usize = 8 * 1024 * 1024;
/// Two that are being sent and one that is being read.
const PARTS_PER_PUT: usize = 3;

/// The location and options of an [`S3BlobStore`](crate::S3BlobStore), usually
/// [`parse`](Self::parse)d from a URL. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct S3Options {
    /// The bucket. It must exist.
    pub bucket: String,
    /// The folder of the bucket that holds all blobs, or `None` for its root.
    pub prefix: Option<BlobKey>,
    /// The region that requests are signed for, or `None` for `us-east-1`, which most compatible
    /// stores accept.
    pub region: Option<String>,
    /// The store's endpoint, `http` or `https`, or `None` for AWS.
    pub endpoint: Option<Url>,
    /// The endpoint for clients, in presigned URLs, or `None` if it is the same.
    pub public_endpoint: Option<Url>,
    /// True if the bucket is named in the path rather than in the host.
    pub path_style: bool,
    /// The size of a part of a large upload, in bytes. Smaller blobs are sent in one request. A blob
    /// has at most 10 000 parts, which limits it to 78 GiB by default.
    pub part_size_bytes: usize,
    /// The memory that all puts in flight share, in bytes. A put that finds none for ten seconds is
    /// `Unavailable`. Less than three parts counts as three, which one put can need.
    pub buffer_bytes: usize,
    /// The timeout of one attempt of a request: twice as long with all retries, and three times as
    /// long for a request with a body. Reading a response's body does not count.
    pub attempt_timeout: Duration,
}

/// An invalid storage URL or environment. The error repeats no text of either, because it may
/// contain a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum S3OptionsError {
    /// Not a URL of the form `s3://bucket/prefix`.
    #[error("the storage URL is not of the form s3://bucket/prefix?endpoint=https://host")]
    NotS3,
    /// The URL has a user name or password.
    #[error(
        "the storage URL must not hold credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    CredentialsInUrl,
    /// The name of the bucket is invalid.
    #[error("the bucket's name is not 3 to 63 of a-z A-Z 0-9 . _ -")]
    Bucket,
    /// The prefix is not a valid part of a key.
    #[error("the prefix of the storage URL is not segments of A-Z a-z 0-9 . _ - between slashes")]
    Prefix,
    /// A parameter is unknown.
    #[error(
        "the storage URL has a parameter other than endpoint, public_endpoint, region, path_style and \
         buffer_bytes"
    )]
    UnknownParameter,
    /// A parameter is repeated.
    #[error("the storage URL has the parameter {name} more than once")]
    RepeatedParameter {
        /// The name.
        name: &'static str,
    },
    /// The value of a parameter is invalid.
    #[error("the parameter {name} of the storage URL is not {expected}")]
    BadParameter {
        /// The name.
        name: &'static str,
        /// The valid values.
        expected: &'static str,
    },
    /// An environment variable is not set.
    #[error("the environment variable {name} is not set")]
    MissingVariable {
        /// The name.
        name: &'static str,
    },
}

const PARAMETERS: [&str; 5] = [
    "endpoint",
    "public_endpoint",
    "region",
    "path_style",
    "buffer_bytes",
];
const EXPECTED_BUFFER: &str = "a number of bytes of at least 25165824";
const EXPECTED_ENDPOINT: &str = "an http or https URL without credentials, query and fragment";

impl S3Options {
    /// Creates the default options for a bucket at AWS.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            prefix: None,
            region: None,
            endpoint: None,
            public_endpoint: None,
            path_style: false,
            part_size_bytes: DEFAULT_PART_BYTES,
            buffer_bytes: 512 * 1024 * 1024,
            attempt_timeout: Duration::from_secs(10),
        }
    }

    /// Parses `s3://bucket/prefix?endpoint=…&public_endpoint=…&region=…&path_style=true&buffer_bytes=…`,
    /// of which only the bucket is required. With an endpoint, `path_style` defaults to `true`, which most
    /// compatible stores need.
    ///
    /// ```
    /// use attache_storage_s3::S3Options;
    ///
    /// let options = S3Options::parse("s3://files/live?endpoint=http://127.0.0.1:3900&region=garage")?;
    /// assert_eq!(options.bucket, "files");
    /// assert_eq!(options.region.as_deref(), Some("garage"));
    /// assert!(options.path_style);
    /// # Ok::<(), attache_storage_s3::S3OptionsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the URL is invalid. The error does not repeat it.
    pub fn parse(url: &str) -> Result<Self, S3OptionsError> {
        let url = Url::parse(url).map_err(|_| S3OptionsError::NotS3)?;
        if url.scheme() != "s3" || url.port().is_some() || url.fragment().is_some() {
            return Err(S3OptionsError::NotS3);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(S3OptionsError::CredentialsInUrl);
        }
        let bucket = url.host_str().ok_or(S3OptionsError::NotS3)?;
        let mut options = Self::new(bucket_name(bucket)?);
        let path = url.path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        if !path.is_empty() {
            options.prefix = Some(BlobKey::parse(path).map_err(|_| S3OptionsError::Prefix)?);
        }
        options.read_parameters(&url)?;
        Ok(options)
    }

    fn read_parameters(&mut self, url: &Url) -> Result<(), S3OptionsError> {
        let mut seen = BTreeSet::new();
        let mut path_style = None;
        for (name, value) in url.query_pairs() {
            let name = PARAMETERS
                .into_iter()
                .find(|known| *known == name)
                .ok_or(S3OptionsError::UnknownParameter)?;
            if !seen.insert(name) {
                return Err(S3OptionsError::RepeatedParameter { name });
            }
            match name {
                "endpoint" => self.endpoint = Some(endpoint(name, &value)?),
                "public_endpoint" => self.public_endpoint = Some(endpoint(name, &value)?),
                "region" => self.region = Some(region(name, &value)?),
                "buffer_bytes" => self.buffer_bytes = buffer_bytes(name, &value)?,
                _ => path_style = Some(boolean(name, &value)?),
            }
        }
        self.path_style = path_style.unwrap_or(self.endpoint.is_some());
        Ok(())
    }

    /// Reads what the URL left out from the environment: the region from `AWS_REGION` or
    /// `AWS_DEFAULT_REGION`.
    ///
    /// # Errors
    ///
    /// [`S3OptionsError::BadParameter`] if that region is invalid.
    pub fn with_environment(
        mut self,
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, S3OptionsError> {
        if self.region.is_none() {
            let found = ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .into_iter()
                .find_map(|name| lookup(name).filter(|value| !value.is_empty()));
            self.region = found.map(|value| region("region", &value)).transpose()?;
        }
        Ok(self)
    }

    /// Sets [`part_size_bytes`](Self::part_size_bytes), clamped to 5 to 64 MiB.
    #[must_use]
    pub fn with_part_size_bytes(mut self, part_size_bytes: usize) -> Self {
        self.part_size_bytes = part_size_bytes.clamp(SMALLEST_PART_BYTES, LARGEST_PART_BYTES);
        self
    }

    /// Sets [`buffer_bytes`](Self::buffer_bytes).
    #[must_use]
    pub fn with_buffer_bytes(mut self, buffer_bytes: usize) -> Self {
        self.buffer_bytes = buffer_bytes;
        self
    }

    /// Returns the memory that all puts share, which is never less than one of them can need.
    pub(crate) fn total_buffer_bytes(&self) -> usize {
        let one_put = self.part_size_bytes.saturating_mul(PARTS_PER_PUT);
        self.buffer_bytes.max(one_put)
    }

    /// Sets [`attempt_timeout`](Self::attempt_timeout).
    #[must_use]
    pub fn with_attempt_timeout(mut self, attempt_timeout: Duration) -> Self {
        self.attempt_timeout = attempt_timeout;
        self
    }
}

fn bucket_name(text: &str) -> Result<String, S3OptionsError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (3..=63).contains(&text.len()) && text.bytes().all(is_allowed);
    fits.then(|| text.to_owned()).ok_or(S3OptionsError::Bucket)
}

fn endpoint(name: &'static str, text: &str) -> Result<Url, S3OptionsError> {
    let refused = S3OptionsError::BadParameter {
        name,
        expected: EXPECTED_ENDPOINT,
    };
    let url = Url::parse(text).map_err(|_| refused.clone())?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain {
        Ok(url)
    } else {
        Err(refused)
    }
}

fn region(name: &'static str, text: &str) -> Result<String, S3OptionsError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(is_allowed) {
        let expected = "at most 64 of a-z A-Z 0-9 _ -";
        return Err(S3OptionsError::BadParameter { name, expected });
    }
    Ok(text.to_owned())
}

/// Refuses a size that is too small for parts of 8 MiB, which a URL cannot change.
fn buffer_bytes(name: &'static str, text: &str) -> Result<usize, S3OptionsError> {
    let expected = EXPECTED_BUFFER;
    let refused = S3OptionsError::BadParameter { name, expected };
    match text.parse() {
        Ok(size_bytes) if size_bytes >= PARTS_PER_PUT * DEFAULT_PART_BYTES => Ok(size_bytes),
        _ => Err(refused),
    }
}

fn boolean(name: &'static str, text: &str) -> Result<bool, S3OptionsError> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(S3OptionsError::BadParameter {
            name,
            expected: "true or false",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_url_is_parsed() {
        let options = S3Options::parse(
            "s3://My-bucket.1/a/b/?endpoint=http%3A%2F%2F127.0.0.1%3A3900&public_endpoint=https://files.example.org\
             &region=eu-west-1&path_style=false&buffer_bytes=25165824",
        )
        .unwrap();
        assert_eq!(options.bucket, "My-bucket.1");
        assert_eq!(options.prefix, Some(BlobKey::parse("a/b").unwrap()));
        assert_eq!(options.endpoint.unwrap().as_str(), "http://127.0.0.1:3900/");
        let public = options.public_endpoint.unwrap();
        assert_eq!(public.as_str(), "https://files.example.org/");
        assert_eq!(options.region.as_deref(), Some("eu-west-1"));
        assert!(!options.path_style);
        assert_eq!(options.buffer_bytes, 24 * 1024 * 1024);
    }

    #[test]
    fn url_of_bucket_has_defaults() {
        for text in ["s3://bucket", "s3://bucket/"] {
            assert_eq!(S3Options::parse(text).unwrap(), S3Options::new("bucket"));
        }
    }

    #[test]
    fn invalid_url_is_explained() {
        let bad = |name, expected| S3OptionsError::BadParameter { name, expected };
        let cases = [
            ("bucket", S3OptionsError::NotS3),
            ("http://bucket", S3OptionsError::NotS3),
            ("s3:///prefix", S3OptionsError::NotS3),
            ("s3://bucket:80", S3OptionsError::NotS3),
            ("s3://bucket#x", S3OptionsError::NotS3),
            ("s3://key:canary@bucket", S3OptionsError::CredentialsInUrl),
            ("s3://ab", S3OptionsError::Bucket),
            ("s3://bu%20cket", S3OptionsError::Bucket),
            ("s3://bucket/a//b", S3OptionsError::Prefix),
            ("s3://bucket/.a", S3OptionsError::Prefix),
            ("s3://bucket?canary=1", S3OptionsError::UnknownParameter),
            (
                "s3://bucket?region=a&region=a",
                S3OptionsError::RepeatedParameter { name: "region" },
            ),
            (
                "s3://bucket?endpoint=host",
                bad("endpoint", EXPECTED_ENDPOINT),
            ),
            (
                "s3://bucket?endpoint=https://u:canary@host",
                bad("endpoint", EXPECTED_ENDPOINT),
            ),
            (
                "s3://bucket?public_endpoint=ftp://host",
                bad("public_endpoint", EXPECTED_ENDPOINT),
            ),
            (
                "s3://bucket?path_style=yes",
                bad("path_style", "true or false"),
            ),
            (
                "s3://bucket?region=",
                bad("region", "at most 64 of a-z A-Z 0-9 _ -"),
            ),
            (
                "s3://bucket?buffer_bytes=25165823",
                bad("buffer_bytes", EXPECTED_BUFFER),
            ),
            (
                "s3://bucket?buffer_bytes=512MiB",
                bad("buffer_bytes", EXPECTED_BUFFER),
            ),
        ];
        for (text, wanted) in cases {
            let refused = S3Options::parse(text).unwrap_err();
            assert_eq!(refused, wanted, "{text}");
            assert!(!refused.to_string().contains("canary"), "{refused}");
        }
    }

    #[test]
    fn region_defaults_to_environment() {
        let lookup = |name| (name == "AWS_DEFAULT_REGION").then(|| "eu-north-1".to_owned());
        let options = S3Options::new("bucket").with_environment(lookup).unwrap();
        assert_eq!(options.region.as_deref(), Some("eu-north-1"));
        let options = S3Options::parse("s3://bucket?region=x").unwrap();
        let options = options.with_environment(lookup).unwrap();
        assert_eq!(options.region.as_deref(), Some("x"));
    }

    #[test]
    fn part_size_is_clamped() {
        let size = |bytes| {
            S3Options::new("b")
                .with_part_size_bytes(bytes)
                .part_size_bytes
        };
        assert_eq!(size(0), SMALLEST_PART_BYTES);
        assert_eq!(size(usize::MAX), LARGEST_PART_BYTES);
    }

    #[test]
    fn memory_suffices_for_one_put() {
        let options = S3Options::new("b");
        assert_eq!(options.total_buffer_bytes(), 512 * 1024 * 1024);
        let options = options.with_buffer_bytes(0);
        assert_eq!(options.total_buffer_bytes(), 3 * 8 * 1024 * 1024);
        let options = options.with_part_size_bytes(usize::MAX);
        assert_eq!(options.total_buffer_bytes(), 3 * LARGEST_PART_BYTES);
    }
}

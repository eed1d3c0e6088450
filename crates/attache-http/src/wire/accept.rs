//! `Accept`: whether a client would rather have a page than JSON (RFC 9110, 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// Returns `true` if a request names HTML, and wants it at least as much as JSON.
///
/// Browsers name it when a person opens a URL. Scripts, pictures and most programs send `*/*` or nothing,
/// and get JSON. If both types are named and wanted alike, the response is JSON as well.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let ranges: Vec<Range<'_>> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(Range::parse)
        .collect();
    let Some(html) = ranges.iter().find(|range| range.is("text/html")) else {
        return false;
    };
    let json = ["application/problem+json", "application/json"];
    let named = json
        .into_iter()
        .filter_map(|name| ranges.iter().find(|range| range.is(name)))
        .map(|range| range.weight)
        .max();
    let by_wildcard = ["application/*", "*/*"]
        .into_iter()
        .find_map(|name| ranges.iter().find(|range| range.is(name)))
        .map_or(0, |range| range.weight);
    match named {
        Some(json) => html.weight > json,
        None => html.weight > 0 && html.weight >= by_wildcard,
    }
}

/// One range of media types, and its weight in thousandths.
struct Range<'h> {
    name: &'h str,
    weight: u16,
}

impl<'h> Range<'h> {
    /// Reads a range. One without a name is none; a weight that cannot be read counts as 1.
    fn parse(text: &'h str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
            .map_or(1000, |(_, value)| thousandths(value.trim()));
        Some(Self { name, weight })
    }

    fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Reads a weight: `0` to `1`, with up to three decimals.
fn thousandths(text: &str) -> u16 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_weight = matches!(whole, "0" | "1")
        && decimals.len() <= 3
        && decimals.bytes().all(|digit| digit.is_ascii_digit());
    if !is_weight || whole == "1" {
        return 1000;
    }
    format!("{decimals:0<3}").parse().unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_preferred_when_it_is_named() {
        let chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
                      image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        for (accept, expected) in [
            (chrome, true),
            ("text/html", true),
            ("TEXT/HTML; level=1", true),
            ("text/html, application/xhtml+xml, */*", true),
            ("text/html, */*; q=0.01", true),
            ("text/html;q=0.9, application/json;q=0.8", true),
            ("text/html, application/json", false),
            ("application/problem+json, text/html;q=0.9", false),
            ("text/html;q=0.5, */*", false),
            ("text/html;q=0", false),
            ("text/html; q=0.000", false),
            ("*/*", false),
            ("text/*", false),
            ("application/json, text/plain, */*", false),
            ("image/avif,image/webp,*/*;q=0.8", false),
            ("", false),
            (";q=1, ,", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
        assert!(!prefers_html(&HeaderMap::new()));
    }

    #[test]
    fn weights_are_compared_by_value() {
        for (text, expected) in [
            ("1", 1000),
            ("1.000", 1000),
            ("0.5", 500),
            ("0.05", 50),
            ("0.123", 123),
            ("0", 0),
            ("0.", 0),
            ("0.1234", 1000),
            ("high", 1000),
        ] {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }
}

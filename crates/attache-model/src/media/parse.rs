//! Reads a media type as leniently as its use allows: a parameter that nobody needs cannot spoil the type.

/// Returns the type in lower case and its charset; `None` if the text is no media type, or is a range such
/// as `image/*`.
pub(super) fn essence_and_charset(text: &str) -> Option<(String, Option<String>)> {
    let text = text.trim();
    if text.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let essence = essence.trim_end();
    let (main, sub) = essence.split_once('/')?;
    let is_type = is_name(main) && is_name(sub);
    is_type.then(|| (essence.to_ascii_lowercase(), charset_in(parameters)))
}

fn is_name(text: &str) -> bool {
    // A token (RFC 9110, 5.6.2) but for the star of ranges.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// Returns the first charset among the parameters. Others may be broken: Chrome writes `codecs=vp8,opus`
/// without the quotes that the comma needs.
fn charset_in(parameters: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (parameter, after) = split_parameter(rest);
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("charset")
        {
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            let is_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
            return (!value.is_empty() && value.bytes().all(is_label)).then_some(value);
        }
        rest = after?;
    }
}

/// Splits at the next semicolon outside quotation marks.
fn split_parameter(text: &str) -> (&str, Option<&str>) {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charset_is_read_whatever_stands_beside_it() {
        for (text, charset) in [
            ("text/plain", None),
            ("text/plain;charset=UTF-8", Some("utf-8")),
            (
                "text/plain; format=flowed; Charset = \"Latin1\"",
                Some("latin1"),
            ),
            ("text/plain; x=a/b,c; charset=utf-8", Some("utf-8")),
            (
                "text/plain; x=\"a;charset=b\"; charset=utf-8",
                Some("utf-8"),
            ),
            ("text/plain; x=\"a\\\";\"; charset=utf-8", Some("utf-8")),
            ("text/plain;;charset=koi8-r;", Some("koi8-r")),
            ("text/plain; charset", None),
            ("text/plain; charset=", None),
            ("text/plain; charset=\"a b\"", None),
            ("text/plain; x=\"charset=utf-8", None),
        ] {
            let read = essence_and_charset(text);
            let expected = ("text/plain".to_owned(), charset.map(str::to_owned));
            assert_eq!(read, Some(expected), "{text}");
        }
    }

    #[test]
    fn malformed_types_are_refused() {
        for text in [
            "",
            "text",
            "text/",
            "/plain",
            "text/plain/x",
            "text /plain",
            "text/ plain",
            "te xt/plain",
            "text/plain, text/html",
            "text/*",
            "*/*",
            "text/x*",
            "text/pl\u{e9}in",
            "text/plain;\nx=y",
            ";a/b",
        ] {
            assert_eq!(essence_and_charset(text), None, "{text:?}");
        }
    }
}

//! Text that comes from scripts and data, made harmless in HTML and SVG.

/// As it may stand between tags and in quoted attributes. Control characters, which XML does not know, are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// The first characters, with an ellipsis if there are more than `most`.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The last characters, after an ellipsis if there are more than `most`: of dotted names the end tells most.
pub(crate) fn shorten_start(text: &str, most: usize) -> String {
    let n = text.chars().count();
    if n <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(n + 1 - most).collect();
    format!("…{kept}")
}

/// A text as a part of a file name or an id: small letters, digits and hyphens.
pub(crate) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_markup_survives() {
        assert_eq!(escape("<b a='1'>\"&\u{1}x\u{7f}"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;x");
    }

    #[test]
    fn long_texts_keep_the_end_that_tells_most() {
        assert_eq!((shorten("abcdef", 6), shorten("abcdefg", 6)), ("abcdef".to_owned(), "abcde…".to_owned()));
        assert_eq!(shorten_start("train.full.lr", 8), "…full.lr");
        assert_eq!(slug("../Train.full <lr>/"), "train-full-lr");
    }
}

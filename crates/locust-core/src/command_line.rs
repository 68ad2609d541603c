//! How a `command` becomes arguments.
//!
//! Without quotes every run of white space separates two arguments, as it
//! always has. With a quote anywhere the text is split as a POSIX shell splits
//! it, so that a value may hold spaces. Nothing is expanded: there is no shell.

/// A quote that nothing closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenQuote {
    /// `'` or `"`.
    pub quote: char,
    /// Its place in the text, in characters, counted from 1.
    pub at: usize,
}

/// The arguments of `command`.
pub fn split(command: &str) -> Result<Vec<String>, OpenQuote> {
    match command.contains(['\'', '"']) {
        true => shell_words(command),
        false => Ok(plain_words(command)),
    }
}

/// The arguments of `command`, all quotes taken for ordinary characters.
pub(crate) fn plain_words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

type Characters<'a> = std::iter::Enumerate<std::str::Chars<'a>>;

fn shell_words(command: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    // An empty word is a word once it is quoted.
    let mut word: Option<String> = None;
    let mut rest: Characters<'_> = command.chars().enumerate();
    while let Some((index, character)) = rest.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' | '"' => {
                let text = quoted(character, &mut rest).ok_or(OpenQuote {
                    quote: character,
                    at: index.saturating_add(1),
                })?;
                word.get_or_insert_default().push_str(&text);
            }
            '\\' => match rest.next() {
                Some((_, '\n')) => {}
                Some((_, escaped)) => word.get_or_insert_default().push(escaped),
                None => word.get_or_insert_default().push('\\'),
            },
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

/// The text up to the closing quote, which is taken too; `None` without one.
fn quoted(quote: char, rest: &mut Characters<'_>) -> Option<String> {
    let mut text = String::new();
    loop {
        let (_, character) = rest.next()?;
        match character {
            _ if character == quote => return Some(text),
            '\\' if quote == '"' => match rest.next()?.1 {
                '\n' => {}
                escaped @ ('$' | '`' | '"' | '\\') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OpenQuote, split};

    #[track_caller]
    fn words(command: &str, expected: &[&str]) {
        assert_eq!(split(command).unwrap(), expected, "{command}");
    }

    #[test]
    fn without_quotes_every_white_space_separates_and_nothing_else_is_special() {
        words("", &[]);
        words(" \t\n ", &[]);
        words("-f  a.py\n\t--users 10", &["-f", "a.py", "--users", "10"]);
        words("a\u{a0}b\u{3000}c\u{85}d", &["a", "b", "c", "d"]);
        words(
            r"--tag=a\ b $(HOME) $$X #c",
            &[r"--tag=a\", "b", "$(HOME)", "$$X", "#c"],
        );
    }

    #[test]
    fn with_quotes_the_text_is_split_as_a_posix_shell_splits_it() {
        words(
            r#"-f "a b.py" 'x y' --tag=a\ b"#,
            &["-f", "a b.py", "x y", "--tag=a b"],
        );
        words(r#"--json='{"a": "b"}'"#, &[r#"--json={"a": "b"}"#]);
        words("a'b c'\"d e\"f", &["ab cd ef"]);
        words("'' \"\" x", &["", "", "x"]);
        words("'a\nb'\nc", &["a\nb", "c"]);
        // A backslash inside each kind of quotes, and outside.
        words(r"'a\'b", &[r"a\b"]);
        words(r#""a\"b\\c\$d\`e\f""#, &[r#"a"b\c$d`e\f"#]);
        words(r#"\"a \'b\' "c""#, &["\"a", "'b'", "c"]);
        words("\"a\\\nb\" c\\\nd", &["ab", "cd"]);
        words("'a' b\\", &["a", "b\\"]);
        // No expansion, no operators, no comments, and only a shell's blanks.
        words(
            "'a' $HOME $(x) `y` * ~ ; | #c",
            &["a", "$HOME", "$(x)", "`y`", "*", "~", ";", "|", "#c"],
        );
        words("'a' b\u{a0}c", &["a", "b\u{a0}c"]);
    }

    #[test]
    fn a_quote_that_nothing_closes_is_named_with_its_place() {
        let open = |quote, at| Err(OpenQuote { quote, at });
        assert_eq!(split("-f 'a.py"), open('\'', 4));
        assert_eq!(split("ä \"b"), open('"', 3));
        assert_eq!(split(r#""a\""#), open('"', 1));
        assert_eq!(split("it's \"fine\""), open('\'', 3));
    }
}

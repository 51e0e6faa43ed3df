//! Text of SQL for people, without the passwords in it.
//!
//! An error shows the line that it is about, and what is shown ends in logs. The value of an option whose name says that it
//! is a secret is replaced by stars, one for each character, so that places in the text stay where they are. Left out:
//! values that are secrets though their names do not say so.

/// What the names of secret options contain.
const SECRET: [&str; 6] = ["password", "secret", "token", "credential", "jaas", "ssl.key"];

/// The text with stars in place of secrets. It need not be SQL: what is shown is often what could not be read.
pub(crate) fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // The name that stood last, and whether an equals sign follows it.
    let (mut name, mut is_assigned) = (String::new(), false);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => literal(rest),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            first if is_of_a_name(first) => rest.find(|c| !is_of_a_name(c)).unwrap_or(rest.len()),
            first => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        match first {
            '\'' if is_assigned && is_secret(&name) => {
                let star = |c: char| if c == '\'' || c == '\n' { c } else { '*' };
                shown.extend(token.chars().map(star));
            }
            _ => shown.push_str(token),
        }
        match first {
            '=' => is_assigned = true,
            first if first == '\'' || is_of_a_name(first) => {
                name = token.to_ascii_lowercase();
                is_assigned = false;
            }
            // White space and comments stand between a name and its value.
            _ => {}
        }
        rest = behind;
    }
    shown
}

/// How long the literal is that a text begins with. One without an end goes on to the end.
fn literal(text: &str) -> usize {
    let mut from = 1;
    while let Some(quote) = text[from..].find('\'') {
        from += quote + 1;
        match text[from..].starts_with('\'') {
            true => from += 1,
            false => return from,
        }
    }
    text.len()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '"')
}

fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| name.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_options_become_stars_and_nothing_else_changes() {
        #[rustfmt::skip]
        let table = [
            ("WITH ('sasl.password' = 'ab', 'topic' = 'ab')", "WITH ('sasl.password' = '**', 'topic' = 'ab')"),
            ("properties.sasl.PASSWORD='é''x'", "properties.sasl.PASSWORD='*''*'"),
            ("'a.jaas.config'\n = /* it's */ 'one\ntwo'", "'a.jaas.config'\n = /* it's */ '***\n***'"),
            ("-- don't\n'token'='x'", "-- don't\n'token'='*'"),
            ("'secret' = 'no end, b = 'c'", "'secret' = '************'c'"),
            ("SELECT 'password', 'x' = 'y'", "SELECT 'password', 'x' = 'y'"),
            ("\"ssl.key.pem\" = 'k'", "\"ssl.key.pem\" = '*'"),
            ("'password' = 'never ends", "'password' = '**********"),
        ];
        for (text, wanted) in table {
            let shown = without_secrets(text);
            assert_eq!(shown, wanted);
            assert_eq!(shown.chars().count(), text.chars().count(), "{text}");
        }
    }
}

//! Whether a connection is encrypted, and which certificate is accepted. The words are those of every client of
//! PostgreSQL, and mean the same:
//!
//! ```text
//! sslmode        server without TLS    certificate of the server
//! disable        goes on               is not asked for
//! prefer         goes on               any (this is the default)
//! require        is an error           any; with sslrootcert as verify-ca
//! verify-ca      is an error           signed by an authority that is trusted
//! verify-full    is an error           and made out to the host that is connected to
//! ```
//!
//! `sslrootcert=FILE` names the authorities that are trusted (PEM). Without it those of the machine are.
//!
//! The client library knows the first three modes, and leaves it to its caller which certificates are accepted. So the other
//! two and `sslrootcert` are taken out of the URL here. Left out: certificates of the client (`sslcert`, `sslkey`).

use std::fs;

use native_tls::{Certificate, TlsConnector};
use percent_encoding::percent_decode_str;
use postgres_native_tls::MakeTlsConnector;

/// What is checked of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    Authority,
    AuthorityAndHost,
}

/// Makes a URL that the client library takes of one that says more about TLS, and what decides about certificates.
pub(super) fn split(url: &str) -> Result<(String, MakeTlsConnector), String> {
    // A password may hold a question mark, and stands before the @.
    let host = url.find('@').unwrap_or_default();
    let Some(query) = url[host..].find('?').map(|mark| host + mark + 1) else {
        return Ok((url.to_string(), connector(Check::Nothing, None)?));
    };
    let (mut check, mut encrypts, mut authorities, mut kept) = (Check::Nothing, false, None, Vec::new());
    for option in url[query..].split('&') {
        match option.split_once('=') {
            Some(("sslmode", mode)) => {
                (check, encrypts) = match mode {
                    "disable" | "prefer" => (Check::Nothing, false),
                    "require" => (Check::Nothing, true),
                    "verify-ca" => (Check::Authority, true),
                    "verify-full" => (Check::AuthorityAndHost, true),
                    _ => {
                        return Err(
                            "sslmode: expected disable, prefer, require, verify-ca or verify-full"
                                .to_string(),
                        );
                    }
                };
                kept.push(if encrypts { "sslmode=require" } else { option });
            }
            Some(("sslrootcert", file)) => {
                authorities = Some(percent_decode_str(file).decode_utf8_lossy().into_owned());
            }
            _ => kept.push(option),
        }
    }
    if authorities.is_some() && !encrypts {
        return Err("sslrootcert needs sslmode=verify-full, verify-ca or require".to_string());
    }
    if authorities.is_some() && check == Check::Nothing {
        check = Check::Authority;
    }
    let url = format!("{}{}", &url[..query], kept.join("&"));
    Ok((url, connector(check, authorities.as_deref())?))
}

fn connector(check: Check, authorities: Option<&str>) -> Result<MakeTlsConnector, String> {
    let mut builder = TlsConnector::builder();
    builder
        .danger_accept_invalid_certs(check == Check::Nothing)
        .danger_accept_invalid_hostnames(check != Check::AuthorityAndHost);
    if let Some(file) = authorities {
        builder.disable_built_in_roots(true);
        for authority in read(file)? {
            builder.add_root_certificate(authority);
        }
    }
    let connector = builder.build();
    let connector = connector.map_err(|error| format!("cannot prepare TLS: {error}"))?;
    Ok(MakeTlsConnector::new(connector))
}

/// The certificates in a file.
fn read(file: &str) -> Result<Vec<Certificate>, String> {
    let pem = fs::read(file).map_err(|error| format!("sslrootcert: cannot read {file}: {error}"))?;
    match Certificate::stack_from_pem(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("sslrootcert: {file} holds no certificate in PEM format")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_library_is_told_what_it_knows() {
        #[rustfmt::skip]
        let table = [
            ("//me@h/d",                                          "//me@h/d"),
            ("//me@h/d?sslmode=disable",                          "//me@h/d?sslmode=disable"),
            ("//me@h/d?sslmode=prefer&application_name=a",        "//me@h/d?sslmode=prefer&application_name=a"),
            ("//me@h/d?application_name=a&sslmode=require",       "//me@h/d?application_name=a&sslmode=require"),
            ("//me@h/d?sslmode=verify-ca",                        "//me@h/d?sslmode=require"),
            ("//h/d?sslmode=verify-full",                         "//h/d?sslmode=require"),
            ("//me:a?sslmode=x@h/d?sslmode=verify-full",          "//me:a?sslmode=x@h/d?sslmode=require"),
        ];
        for (url, told) in table {
            assert_eq!(split(url).expect(url).0, told);
        }
    }

    #[test]
    fn authorities_are_read_from_a_file_and_never_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("no certificates");
        fs::write(&file, "hello").expect("a file");
        let encoded = file.display().to_string().replace(' ', "%20");
        #[rustfmt::skip]
        let table = [
            ("sslrootcert=root.crt".to_string(),                   "sslrootcert needs sslmode=verify-full"),
            ("sslrootcert=root.crt&sslmode=prefer".to_string(),    "sslrootcert needs sslmode=verify-full"),
            ("sslmode=verify-ca&sslrootcert=no/such".to_string(),  "sslrootcert: cannot read no/such: No such file"),
            (format!("sslmode=require&sslrootcert={encoded}"),     "no certificates holds no certificate in PEM format"),
        ];
        for (query, said) in table {
            let error = split(&format!("//me:secret@h/d?{query}")).err().expect(said);
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
    }
}

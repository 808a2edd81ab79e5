//! The options of a connection by the URL of a database. The driver overlooks parameters that it does not know, also
//! those that ask for a safeguard; here they are refused by name.

use std::{borrow::Cow, env, path::Path};

use sqlx::postgres::PgConnectOptions;
use url::{Host, Url};

use crate::error::Error;

/// The parameters that the driver knows.
const KNOWN: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Those that name a file.
const FILES: [&str; 7] =
    ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key"];

/// Parameters that the driver overlooks, with the values that ask for nothing.
const OVERLOOKED: [(&str, &[&str]); 4] = [
    ("channel_binding", &["disable", "prefer"]),
    ("gssencmode", &["disable", "prefer"]),
    ("target_session_attrs", &["any"]),
    ("sslnegotiation", &["postgres"]),
];

/// The variables of the environment that other clients of PostgreSQL take safeguards from, and the parameters that they
/// stand for.
const VARIABLES: [(&str, &str); 9] = [
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGREQUIRESSL", "requiressl"),
];

/// The files that the driver takes from the environment.
const FILE_VARIABLES: [&str; 3] = ["PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"];

/// What the URL asks for, and nothing less.
pub(super) fn options_of(url: &str) -> Result<PgConnectOptions, Error> {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    if hosts.contains(',') {
        return Err(refused("host", "names several servers: give one, or a proxy before them"));
    }
    let parsed = Url::parse(url).ok();
    if let Some(parsed) = &parsed {
        parsed.query_pairs().try_for_each(|(name, value)| check_parameter(&name, &value))?;
    }
    let mut options: PgConnectOptions =
        url.parse().map_err(|error| Error::Url(std::sync::Arc::new(error)))?;
    // The driver takes the brackets for a part of the name.
    if let Some(Host::Ipv6(address)) = parsed.as_ref().and_then(Url::host) {
        options = options.host(&address.to_string());
    }
    check_environment()?;
    Ok(options)
}

fn check_parameter(name: &str, value: &str) -> Result<(), Error> {
    if matches!(name, "host" | "hostaddr") && value.contains(',') {
        return Err(refused(name, "names several servers: give one, or a proxy before them"));
    }
    if FILES.contains(&name) {
        return check_file(name, value);
    }
    if KNOWN.contains(&name) || name.starts_with("options[") || asks_for_nothing(name, value) {
        return Ok(());
    }
    let why = if name == "ssl" {
        "is not supported: use sslmode=require, verify-ca or verify-full"
    } else {
        "is not supported, and would be overlooked"
    };
    Err(refused(name, why))
}

fn asks_for_nothing(name: &str, value: &str) -> bool {
    OVERLOOKED.iter().any(|(known, values)| *known == name && values.contains(&value))
}

fn check_environment() -> Result<(), Error> {
    for (variable, name) in VARIABLES {
        if let Ok(value) = env::var(variable)
            && !value.is_empty()
            && !asks_for_nothing(name, &value)
        {
            return Err(refused(variable, "is set in the environment, and would be overlooked"));
        }
    }
    for variable in FILE_VARIABLES {
        if let Ok(value) = env::var(variable) {
            check_file(variable, &value)?;
        }
    }
    Ok(())
}

/// A file may also be given by its content.
fn check_file(name: &str, value: &str) -> Result<(), Error> {
    if value.trim_start().starts_with("-----BEGIN") || Path::new(value).is_file() {
        return Ok(());
    }
    Err(refused(name, format!("names a file that does not exist: {value}")))
}

fn refused(name: &str, why: impl Into<Cow<'static, str>>) -> Error {
    Error::UrlParameter { name: name.to_owned(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> String {
        options_of(url).map_or_else(|error| error.to_string(), |options| options.get_host().into())
    }

    #[test]
    fn a_safeguard_that_is_not_kept_is_refused_by_name() {
        for parameter in [
            "channel_binding=require",
            "require_auth=scram-sha-256",
            "gssencmode=require",
            "ssl=true",
            "sslcrl=/no/such.crl",
            "target_session_attrs=read-write",
            "ssl_min_protocol_version=TLSv1.3",
            "requirepeer=postgres",
            "sslpassword=x",
            "krbsrvname=x",
            "connect_timeout=3",
        ] {
            let told = told(&format!("postgres://a@localhost/b?{parameter}"));
            let name = parameter.split('=').next().unwrap_or_default();
            assert!(told.contains(&format!("parameter {name} ")), "{parameter}: {told}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_accepted() {
        let parameters = "channel_binding=prefer&gssencmode=disable&target_session_attrs=any";
        assert_eq!(
            told(&format!("postgres://a@localhost/b?{parameters}&sslmode=disable")),
            "localhost"
        );
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        for name in FILES {
            let told = told(&format!("postgres://a@localhost/b?{name}=/no/such.pem"));
            assert!(told.contains(name) && told.contains("/no/such.pem"), "{told}");
        }
    }

    #[test]
    fn addresses_are_one_host() {
        assert_eq!(told("postgres://a@[::1]:5432/b"), "::1");
        assert_eq!(told("postgres://a@[2001:db8::7]/b"), "2001:db8::7");
        for url in [
            "postgres://a@one:1,two:2/b",
            "postgres://a@one,two/b",
            "postgres:///b?host=one,two",
            "postgres://a@x/b?hostaddr=10.0.0.1,10.0.0.2",
        ] {
            assert!(told(url).contains("several servers"), "{url}: {}", told(url));
        }
    }
}

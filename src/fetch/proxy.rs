//! Which proxy a host is reached through, by the variables that other programs heed, too.

use super::error::HttpError;
use super::url::Url;

/// The proxy for an address; none if it is to be reached directly. `variable` gives the value of a variable.
pub(super) fn proxy(url: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Url>, HttpError> {
    let set = |name: &str| {
        let either = variable(name).or_else(|| variable(&name.to_uppercase()));
        either.filter(|value| !value.is_empty())
    };
    if set("no_proxy").is_some_and(|list| is_exempt(url.bare_host(), &list)) {
        return Ok(None);
    }
    let own = if url.is_secure { "https_proxy" } else { "http_proxy" };
    let Some(value) = set(own).or_else(|| set("all_proxy")) else { return Ok(None) };
    let text = if value.contains("://") { value } else { format!("http://{value}") };
    match Url::parse(&text) {
        Ok(proxy) if !proxy.is_secure => Ok(Some(proxy)),
        _ => Err(HttpError::Proxy { variable: own }),
    }
}

/// Whether a list such as `localhost,.example.org` names a host; `*` names all.
fn is_exempt(host: &str, list: &str) -> bool {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.trim_start_matches('.');
        let below = host.len().checked_sub(name.len()).map(|at| (host.get(..at), host.get(at..)));
        name == "*"
            || below.is_some_and(|(before, end)| {
                end.is_some_and(|end| end.eq_ignore_ascii_case(name))
                    && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        proxy(&Url::parse(url).unwrap(), variable).unwrap().map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_variable_of_the_scheme_comes_before_that_for_all() {
        let set = [("https_proxy", "http://a:1"), ("HTTP_PROXY", "b:2"), ("all_proxy", "http://c:3")];
        assert_eq!(of("https://x.org/", &set).unwrap(), "http://a:1/");
        assert_eq!(of("http://x.org/", &set).unwrap(), "http://b:2/");
        assert_eq!(of("http://x.org/", &set[2..]).unwrap(), "http://c:3/");
        assert_eq!(of("http://x.org/", &[]), None);
    }

    #[test]
    fn no_proxy_names_hosts_and_what_is_below_them() {
        let to = |url: &str, list: &str| of(url, &[("all_proxy", "p:1"), ("no_proxy", list)]).is_some();
        assert!(!to("http://x.org/", "localhost, x.org"));
        assert!(!to("http://a.x.org/", ".x.org"));
        assert!(!to("http://anything/", "*"));
        assert!(to("http://notx.org/", "x.org"));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
        let variable = |name: &str| (name == "https_proxy").then(|| "http://me:secret@p:1".to_owned());
        let error = proxy(&Url::parse("https://x.org/").unwrap(), variable).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the proxy in `https_proxy` cannot be used: it must be http://HOST:PORT, without a user's name and password"
        );
    }
}

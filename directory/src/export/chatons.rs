//! A listing as ChatonsInfos, the `.properties` that StatoolInfos collects for CHATONS: one file for the organization, one for each service.
//!
//! They are made anew whenever they are asked for, so what they say is of that moment. There is no status of services and no
//! number of users in them, because nobody has measured any.

use essaim_types::Timestamp;

use super::Software;
use crate::listing::Listing;
use crate::properties::Writer;
use crate::times::rfc3339;

/// What both files need.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// What the hoster says of itself.
    pub listing: &'a Listing,
    /// Where the files stand: `https://` and the host, without a slash at the end.
    pub base: &'a str,
    /// Who makes the files.
    pub generator: Software<'a>,
    /// What serves the mail, if that is known.
    pub mail_software: Option<Software<'a>>,
    /// Of texts that are there in several, the ones that are wanted first.
    pub languages: &'a [&'a str],
    /// When.
    pub now: Timestamp,
}

impl Files<'_> {
    /// The file of the organization; it names those of its services.
    pub fn organization(&self) -> String {
        let listing = self.listing;
        let mut file = self.begin("Organization");
        file.section("Organization");
        file.put_some("organization.name", listing.name.as_deref());
        file.put_some("organization.description", self.description().as_deref());
        file.put_some("organization.website", listing.website.as_deref());
        file.put_some("organization.contact.url", listing.contacts.get("url"));
        file.put_some("organization.contact.email", listing.contacts.get("email"));
        file.put_some("organization.legal.url", listing.terms.get("url"));
        file.put_some("organization.type", legal_form(listing).as_deref());
        file.put_some("organization.country.code", listing.place.country.as_deref());
        file.put_some("organization.geolocation.address", listing.place.name.as_deref());
        file.section("Subs");
        let domain = listing.domain.as_deref().unwrap_or_default();
        for service in listing.services.iter() {
            file.put(&format!("subs.{service}"), &format!("{}{}", self.base, path(domain, Some(service))));
        }
        file.finish()
    }

    /// The file of one of its services; `None` if it has no such service.
    pub fn service(&self, service: &str) -> Option<String> {
        let listing = self.listing;
        if !listing.services.contains(service) {
            return None;
        }
        let mut file = self.begin("Service");
        file.section("Service");
        file.put("service.name", service);
        file.put_some("service.website", listing.website.as_deref());
        file.put_some("service.legal.url", listing.terms.get("url"));
        file.put_some("service.contact.url", listing.contacts.get("url"));
        file.put_some("service.contact.email", listing.contacts.get("email"));
        file.put_some("service.registration", registration(listing));
        file.put_some(
            "service.registration.load",
            listing.join.open.map(|open| if open { "OPEN" } else { "FULL" }),
        );
        if let Some(software) = self.mail_software.filter(|_| service == "mail") {
            file.section("Software");
            file.put("software.name", software.name);
            file.put("software.version", software.version);
            file.put("software.license.name", software.licence);
            file.put("software.license.url", &format!("https://spdx.org/licenses/{}.html", software.licence));
        }
        file.section("Host");
        file.put_some("host.name", listing.provider_name.as_deref());
        file.put_some("host.provider.type", provider(listing));
        Some(file.finish())
    }

    fn begin(&self, class: &str) -> Writer {
        let Software { name, version, .. } = self.generator;
        let mut file = Writer::default();
        file.comment(&format!("{class} of {}", self.listing.domain.as_deref().unwrap_or_default()));
        file.section("File");
        file.put("file.class", class);
        file.put("file.protocol", PROTOCOL);
        file.put("file.datetime", rfc3339(self.now).trim_end_matches('Z'));
        file.put("file.generator", &format!("{name} {version}"));
        file
    }

    fn description(&self) -> Option<String> {
        self.listing.description(self.languages).map(|(_, text)| text.replace('\n', " "))
    }
}

/// Where a file stands on the hoster's own site.
pub fn path(domain: &str, service: Option<&str>) -> String {
    match service {
        None => format!("{FOLDER}{domain}.properties"),
        Some(service) => format!("{FOLDER}{domain}-{service}.properties"),
    }
}

/// Which file of the hoster has this name: the organization's, or that of a service; `None` if none can have.
pub fn file_named<'a>(domain: &str, name: &'a str) -> Option<Option<&'a str>> {
    let rest = name.strip_suffix(".properties")?.strip_prefix(domain)?;
    match rest {
        "" => Some(None),
        service => service.strip_prefix('-').filter(|service| !service.is_empty()).map(Some),
    }
}

fn legal_form(listing: &Listing) -> Option<String> {
    let form = listing.legal_form.as_deref()?;
    Some(if form == "collective" { "OTHER".to_owned() } else { form.to_uppercase() })
}

fn provider(listing: &Listing) -> Option<&'static str> {
    match listing.provider.as_deref()? {
        "home" => Some("HOME"),
        "hosted-bay" => Some("HOSTEDBAY"),
        "hosted-server" => Some("HOSTEDSERVER"),
        "outsourced" => Some("OUTSOURCED"),
        _ => None,
    }
}

/// `Free` is for everybody and costs nothing; `Client` is for everybody who pays; `None` needs no account, which no service of ours is.
fn registration(listing: &Listing) -> Option<&'static str> {
    match (listing.join.who.as_deref()?, listing.price.monthly) {
        ("anyone", Some(0)) => Some("Free"),
        ("anyone", Some(_)) => Some("Client"),
        ("members", _) => Some("Member"),
        _ => None,
    }
}

/// Where crawlers look.
pub const FOLDER: &str = "/.well-known/chatonsinfos/";
/// Of the format.
pub const PROTOCOL: &str = "ChatonsInfos-0.5";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name() {
        assert_eq!(file_named("a.test", "a.test.properties"), Some(None));
        assert_eq!(file_named("a.test", "a.test-mail.properties"), Some(Some("mail")));
        for other in ["b.test.properties", "a.test", "a.test-.properties", "a.testx.properties"] {
            assert_eq!(file_named("a.test", other), None, "{other}");
        }
        assert_eq!(path("a.test", Some("mail")), "/.well-known/chatonsinfos/a.test-mail.properties");
    }
}

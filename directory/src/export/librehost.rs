//! One listing as `librehost.json` 0.0.1, the format of the LibreHosters network.

use serde::Serialize;

use crate::listing::Listing;

/// The file; keys in the order in which people read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Librehost<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    communication_languages: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy_policy_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_of_service_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_service_provider: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    founding_date: Option<String>,
}

/// The listing as a librehost. Of the descriptions the one in the first of these languages that there is one in.
pub fn librehost<'a>(listing: &'a Listing, languages: &[&'a str]) -> Librehost<'a> {
    let home = listing.website.as_deref().map(str::to_owned);
    let mail = || listing.contacts.get("email").map(|email| format!("mailto:{email}"));
    Librehost {
        context: "https://schema.org",
        kind: "Organization",
        version: VERSION,
        organization_type: listing.legal_form.as_deref(),
        name: listing.name.as_deref(),
        home_url: home.or_else(|| listing.domain.as_deref().map(|domain| format!("https://{domain}/"))),
        description: listing.description(languages).map(|(_, text)| text),
        communication_languages: listing.languages.iter().collect(),
        contact_url: listing.contacts.get("url").map(str::to_owned).or_else(mail),
        privacy_policy_url: listing.terms.get("privacy"),
        terms_of_service_url: listing.terms.get("url"),
        // Who lists a service provides it; who lists none may have said nothing yet.
        is_service_provider: (!listing.services.is_empty()).then_some(true),
        founding_date: listing.since.map(|year| format!("{year:04}")),
    }
}

/// Of the format.
pub const VERSION: &str = "0.0.1";

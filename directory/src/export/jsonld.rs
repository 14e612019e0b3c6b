//! One listing as JSON-LD: an `Organization` of schema.org. Charters are `conformsTo` of Dublin Core.

use serde_json::{Map, Value, json};

use crate::listing::{Listing, Texts};
use crate::query::Hit;

/// The listing as an organization.
pub fn organization(hit: &Hit<'_>) -> Value {
    let listing = hit.listing;
    let home = listing.website.as_deref().map(str::to_owned);
    let home = home.or_else(|| listing.domain.as_deref().map(|domain| format!("https://{domain}/")));
    let mut node = Node::new("Organization");
    node.put("@context", json!(["https://schema.org", { "dcterms": "http://purl.org/dc/terms/" }]));
    node.put_some(
        "@id",
        home.as_ref().map(|home| json!(format!("{}#hoster", home.split('#').next().unwrap_or(home)))),
    );
    node.put("identifier", property("listing", &hit.id.to_string()));
    node.put_some("name", text(&listing.name));
    node.put_some("url", home.map(Value::String));
    node.put_some("description", texts(&listing.descriptions));
    node.put_some("foundingDate", listing.since.map(|year| json!(format!("{year:04}"))));
    node.put_some("location", place(listing));
    node.put_some("knowsLanguage", list(listing.languages.iter().map(|language| json!(language))));
    node.put_some("email", listing.contacts.get("email").map(|email| json!(email)));
    node.put_some("telephone", listing.contacts.get("phone").map(|phone| json!(phone)));
    node.put_some("contactPoint", contact(listing));
    node.put_some("makesOffer", offers(listing));
    node.put_some("dcterms:conformsTo", list(listing.charters.iter().map(|(_, url)| json!({ "@id": url }))));
    node.0.into()
}

/// An object of JSON-LD; what is not known is not put in.
struct Node(Map<String, Value>);

impl Node {
    fn new(kind: &str) -> Self {
        Self(Map::from_iter([("@type".to_owned(), json!(kind))]))
    }

    fn put(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    fn put_some(&mut self, key: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// `None` if nothing is known but the type.
    fn filled(self) -> Option<Value> {
        (self.0.len() > 1).then(|| self.0.into())
    }
}

fn text(text: &Option<Box<str>>) -> Option<Value> {
    text.as_deref().map(|text| json!(text))
}

fn texts(texts: &Texts) -> Option<Value> {
    list(texts.iter().map(|(language, text)| json!({ "@language": language, "@value": text })))
}

fn list(items: impl Iterator<Item = Value>) -> Option<Value> {
    let items: Vec<Value> = items.collect();
    (!items.is_empty()).then(|| items.into())
}

fn property(name: &str, value: &str) -> Value {
    json!({ "@type": "PropertyValue", "propertyID": name, "value": value })
}

/// The place as coarse as it is told: the cell is a box, no point.
fn place(listing: &Listing) -> Option<Value> {
    let mut address = Node::new("PostalAddress");
    address.put_some("addressCountry", text(&listing.place.country));
    address.put_some("addressRegion", text(&listing.place.region));
    address.put_some("addressLocality", text(&listing.place.name));
    let geo = listing.cell().map(|cell| {
        let (south, west) = cell.corner();
        json!({ "@type": "GeoShape", "box": format!("{south:.1} {west:.1} {:.1} {:.1}", south + 0.1, west + 0.1) })
    });
    let mut place = Node::new("Place");
    place.put_some("address", address.filled());
    place.put_some("geo", geo);
    place.filled()
}

fn contact(listing: &Listing) -> Option<Value> {
    let url = listing.contacts.get("url")?;
    Some(json!({ "@type": "ContactPoint", "url": url }))
}

/// One offer for each service. What a month costs is told of the membership, not of a service.
fn offers(listing: &Listing) -> Option<Value> {
    let terms = listing.terms.get("url");
    let offer = |service: &str| {
        let mut offered = Node::new("Service");
        offered.put("serviceType", json!(service));
        offered.put_some("termsOfService", terms.map(|url| json!(url)));
        let mut offer = Node::new("Offer");
        offer.put_some("itemOffered", offered.filled());
        offer.0.into()
    };
    let mut offers: Vec<Value> = listing.services.iter().map(offer).collect();
    offers.extend(membership(listing));
    (!offers.is_empty()).then(|| offers.into())
}

fn membership(listing: &Listing) -> Option<Value> {
    let (cents, currency) = (listing.price.monthly?, listing.price.currency.as_deref()?);
    let price = format!("{}.{:02}", cents / 100, cents % 100);
    Some(json!({
        "@type": "Offer",
        "itemOffered": { "@type": "ProgramMembership" },
        "priceSpecification": {
            "@type": "UnitPriceSpecification",
            "minPrice": price,
            "priceCurrency": currency,
            // UN/CEFACT: month.
            "unitCode": "MON",
        },
    }))
}

//! ChatonsInfos: the `.properties` of an organization, as StatoolInfos collects them for CHATONS.

use super::collect::Collector;
use super::{Found, ImportError, UNDETERMINED, bounded};
use crate::listing::Cell;
use crate::properties::{self, Property};

/// The hoster of a file. `language` is that of its texts, which the format does not say.
pub fn read(bytes: &[u8], language: Option<&str>) -> Result<Found, ImportError> {
    let file = File(properties::read(bounded(bytes)?)?);
    let class = file.get("file.class").unwrap_or("Organization");
    if !class.eq_ignore_ascii_case("Organization") {
        return Err(ImportError::OtherClass { class: class.chars().take(40).collect() });
    }
    for field in ["organization.enddate", "organization.status.level"] {
        let text = file.get(field);
        if text.is_some_and(|text| field.ends_with("enddate") || text.eq_ignore_ascii_case("AWAY")) {
            return Err(ImportError::Closed { field });
        }
    }
    let mut collector = Collector::default();
    // First: of a person the place is told less closely.
    let form = file.get("organization.type").map(str::to_lowercase);
    collector.put("legal.form", form.as_deref(), "organization.type");
    for (key, from) in FIELDS {
        collector.put(key, file.get(from), from);
    }
    collector.put_home(file.get("organization.website"), "organization.website");
    let language = language.unwrap_or(UNDETERMINED);
    collector.put_description(language, file.get("organization.description"), "organization.description");
    let country = file.get("organization.country.code").map(str::to_uppercase);
    collector.put("place.country", country.as_deref(), "organization.country.code");
    collector.put_year(file.get("organization.startdate"), "organization.startdate");
    if let Some(cell) = file.cell(&mut collector) {
        collector.put("place.cell", Some(&cell), LATITUDE);
    }
    if file.is_member() {
        collector.put("charter.chatons", Some(CHARTER), "organization.memberof.chatons.status.level");
    }
    collector.put_updated(file.get("file.datetime"), "file.datetime");
    collector.finish()
}

struct File(Vec<Property>);

impl File {
    /// What counts is the last. Some generators put values in quotes.
    fn get(&self, key: &str) -> Option<&str> {
        let property = self.0.iter().rev().find(|property| property.key.eq_ignore_ascii_case(key))?;
        let value = property.value.trim();
        let bare = ['\'', '"'].iter().find_map(|mark| value.strip_prefix(*mark)?.strip_suffix(*mark));
        Some(bare.unwrap_or(value)).filter(|value| !value.is_empty())
    }

    /// The cell of 0.1 degree around a point in decimal degrees, which may have a comma.
    fn cell(&self, collector: &mut Collector) -> Option<String> {
        let (latitude, longitude) = (self.get(LATITUDE)?, self.get("organization.geolocation.longitude")?);
        let degrees =
            |text: &str| text.replace(',', ".").parse::<f64>().ok().filter(|degrees| degrees.is_finite());
        let cell = degrees(latitude).zip(degrees(longitude)).and_then(|(north, east)| Cell::of(north, east));
        if cell.is_none() {
            collector.leave_out(LATITUDE, "and longitude are no point on earth in degrees");
        }
        cell.map(|cell| cell.to_string())
    }

    fn is_member(&self) -> bool {
        let level = self.get("organization.memberof.chatons.status.level");
        level.is_some_and(|level| level.eq_ignore_ascii_case("ACTIVE"))
            && self.get("organization.memberof.chatons.enddate").is_none()
    }
}

/// Of a listing, and of the file.
const FIELDS: [(&str, &str); 4] = [
    ("name", "organization.name"),
    ("contact.url", "organization.contact.url"),
    ("contact.email", "organization.contact.email"),
    ("terms.url", "organization.legal.url"),
];
const LATITUDE: &str = "organization.geolocation.latitude";
/// What every member has agreed to keep.
const CHARTER: &str = "https://www.chatons.org/charte";

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "# [File]\nfile.class = Organization\nfile.protocol = ChatonsInfos-0.5\n\
        file.datetime = 2020-07-07T12:00:00\n\n# [Organization]\norganization.name = Les Abeilles\n\
        organization.description = Un h\\u00e9bergeur \\\n   \u{e0} Namur\norganization.website = https://www.abeilles.example/\n\
        organization.type = ASSOCIATION\norganization.contact.url =\norganization.contact.email = 'contact@abeilles.example'\n\
        organization.legal.url = http://abeilles.example/legal\norganization.startdate = 01/03/2018\n\
        organization.country.code = be\norganization.geolocation.latitude = 50,467\norganization.geolocation.longitude = 4.871\n\
        organization.memberof.chatons.status.level = ACTIVE\n\nsubs.mail = https://abeilles.example/mail.properties\n\
        metrics.http.hits.2020.months = 1,2,3\n";

    #[test]
    fn what_a_listing_can_say_is_taken_and_the_rest_is_named() {
        let found = read(FULL.as_bytes(), Some("fr")).unwrap();
        let said: Vec<(&str, &str)> = found.fields.iter().map(|(key, text)| (&**key, &**text)).collect();
        assert_eq!(
            said,
            [
                ("charter.chatons", CHARTER),
                ("contact.email", "contact@abeilles.example"),
                ("description.fr", "Un hébergeur à Namur"),
                ("domain", "abeilles.example"),
                ("legal.form", "association"),
                ("legal.since", "2018"),
                ("name", "Les Abeilles"),
                ("place.cell", "50.4,4.8"),
                ("place.country", "BE"),
                ("website", "https://www.abeilles.example/"),
            ]
        );
        let left: Vec<&str> = found.left_out.iter().map(|left| &*left.field).collect();
        assert_eq!(left, ["organization.legal.url"]);
    }

    #[test]
    fn where_a_person_lives_is_not_taken() {
        let text = FULL.replace("ASSOCIATION", "INDIVIDUAL");
        let found = read(text.as_bytes(), None).unwrap();
        assert!(!found.fields.contains_key("place.cell") && found.fields.contains_key("place.country"));
        assert!(found.left_out.iter().any(|left| left.field == LATITUDE));
    }

    #[test]
    fn other_files_and_closed_hosters_are_refused() {
        let text = FULL.replace("= Organization", "= Service");
        assert_eq!(read(text.as_bytes(), None), Err(ImportError::OtherClass { class: "Service".to_owned() }));
        let closed = format!("{FULL}organization.enddate = 2024-01-01\n");
        assert_eq!(read(closed.as_bytes(), None), Err(ImportError::Closed { field: "organization.enddate" }));
        assert_eq!(read(b"a=b", None), Err(ImportError::Nothing));
        assert_eq!(read(b"", None), Err(ImportError::Nothing));
        assert!(matches!(read(b"a=1\nb=\\u1", None), Err(ImportError::Properties(_))));
        let nowhere = FULL.replace("50,467", "NaN").replace("4.871", "1e999");
        assert!(!read(nowhere.as_bytes(), None).unwrap().fields.contains_key("place.cell"));
    }
}

//! Two operators of one hoster who edit at the same time, each on a machine that does not hear of the other.

use essaim_directory::Directory;
use essaim_directory::envelope::DocumentKind::Profile;
use essaim_identity::keyring::{Role, Roles};
use essaim_types::ListingId;

use crate::feed::{page, records_in};
use crate::forks::twin;
use crate::net::{Net, actor, key, sets};

/// Two machines of one hoster, of which only the test carries anything.
struct Pair {
    net: Net,
    id: ListingId,
    second: Directory,
    /// What each has published and the other has not heard.
    unheard: [Vec<Vec<u8>>; 2],
}

impl Pair {
    fn new() -> Self {
        let net = Net::started(&["a"]);
        let id = net.nodes[0].keys.id();
        let second = twin(&net, 0, "a second");
        Self { net, id, second, unheard: [Vec::new(), Vec::new()] }
    }

    fn core(&mut self, at: usize) -> &mut Directory {
        if at == 0 { &mut self.net.nodes[0].core } else { &mut self.second }
    }

    fn edit(&mut self, at: usize, key: &str, text: &str) {
        let now = self.net.now;
        let out = self.core(at).edit(now, &sets(&[(key, text)])).unwrap();
        self.unheard[at].extend(records_in(&out));
    }

    /// Each hears what the other has published, and what that one answers, until nobody has news.
    fn meet(&mut self) {
        let (now, id) = (self.net.now, self.id);
        while self.unheard.iter().any(|records| !records.is_empty()) {
            for at in [0, 1] {
                let news = std::mem::take(&mut self.unheard[at]);
                let out = page(self.core(1 - at), now, key("peer").public(), id, &news);
                self.unheard[1 - at].extend(records_in(&out));
            }
        }
    }

    /// Root keys make another key an operator.
    fn next_keyring(&mut self) {
        let third = key("a third").public();
        let roles = Roles::of(&[Role::Edit]).unwrap();
        let entry = self.net.nodes[0].keys.next(|draft| draft.operator(third, roles, actor("a third")));
        let out = self.net.nodes[0].core.publish_keyring(self.net.now, &entry).unwrap();
        self.unheard[0].extend(records_in(&out));
    }

    /// What both say now.
    fn said(&mut self, field: &str) -> Option<String> {
        let id = self.id;
        let read = |core: &Directory| {
            let fields = core.hoster(id).unwrap().log(Profile).fields();
            fields.get(field).and_then(|value| value.as_text().map(str::to_owned))
        };
        let digest = |core: &Directory| *core.hoster(id).unwrap().digest();
        let (one, other) = (&self.net.nodes[0].core, &self.second);
        assert_eq!((digest(one), read(one)), (digest(other), read(other)));
        read(one)
    }

    fn rivals(&self, field: &str) -> Vec<String> {
        let explained = self.second.explain(self.net.now, self.id).unwrap();
        let rivals = explained.rivals.get(field).into_iter().flatten();
        rivals.filter_map(|value| value.as_text().map(str::to_owned)).collect()
    }
}

#[test]
fn edits_of_different_fields_both_count() {
    let mut pair = Pair::new();
    pair.edit(0, "description.fr", "Bonjour");
    pair.edit(1, "description.nl", "Hallo");
    pair.meet();
    assert_eq!(pair.said("description.fr").as_deref(), Some("Bonjour"));
    assert_eq!(pair.said("description.nl").as_deref(), Some("Hallo"));
}

#[test]
fn of_two_edits_of_one_field_one_is_shown_and_the_other_told_until_somebody_decides() {
    let mut pair = Pair::new();
    pair.edit(0, "name", "One");
    pair.edit(1, "name", "Other");
    pair.meet();
    let shown = pair.said("name").unwrap();
    let told = pair.rivals("name");
    assert_eq!([told, vec![shown]].concat().iter().collect::<std::collections::BTreeSet<_>>().len(), 2);
    pair.edit(1, "name", "Both");
    pair.meet();
    assert_eq!(pair.said("name").as_deref(), Some("Both"));
    assert!(pair.rivals("name").is_empty());
}

#[test]
fn a_new_keyring_begins_the_epoch_in_which_all_operators_go_on() {
    let mut pair = Pair::new();
    pair.next_keyring();
    pair.meet();
    let begun = pair.second.hoster(pair.id).unwrap().log(Profile).top().unwrap();
    assert_eq!(begun.epoch.keyring.0, 1);
    pair.edit(0, "description.fr", "Bonjour");
    pair.edit(1, "description.nl", "Hallo");
    pair.meet();
    assert_eq!(pair.second.hoster(pair.id).unwrap().log(Profile).top(), Some(begun));
}

#[test]
fn edits_before_a_new_keyring_is_heard_of_are_written_again_under_it() {
    let mut pair = Pair::new();
    pair.edit(1, "description.nl", "Hallo");
    pair.next_keyring();
    pair.edit(0, "description.fr", "Bonjour");
    pair.meet();
    assert_eq!(pair.said("description.fr").as_deref(), Some("Bonjour"));
    assert_eq!(pair.said("description.nl").as_deref(), Some("Hallo"));
}

/// Both reach the end of an epoch without hearing of each other: the epoch with the lower hash is everybody's, and what the other one said
/// comes again. The numbers that a start names are of the epoch *before*: once they were held against those of the epoch that lost, which hid edits.
#[test]
fn both_begin_the_same_epoch_and_nothing_is_lost() {
    let mut pair = Pair::new();
    for (at, name) in [(0, "fr"), (1, "nl")] {
        pair.edit(at, "energy", "renewable");
        for round in 0..34 {
            pair.edit(at, &format!("description.{name}"), &format!("{name} {round}"));
        }
        // The last word on a field that the other has never touched since they parted.
        pair.edit(at, if at == 0 { "name" } else { "legal.form" }, "cooperative");
    }
    let id = pair.id;
    let top = |core: &Directory| core.hoster(id).unwrap().log(Profile).top().unwrap();
    let (one, other) = (top(&pair.net.nodes[0].core), top(&pair.second));
    assert!(one.epoch == other.epoch && one.start != other.start, "each has begun it");
    pair.meet();
    assert_eq!(pair.said("description.fr").as_deref(), Some("fr 33"));
    assert_eq!(pair.said("description.nl").as_deref(), Some("nl 33"));
    assert_eq!(pair.said("name").as_deref(), Some("cooperative"));
    assert_eq!(pair.said("legal.form").as_deref(), Some("cooperative"));
    assert_eq!(pair.said("energy").as_deref(), Some("renewable"));
}

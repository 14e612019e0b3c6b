//! What several observers say, put together: where they agree, and where they differ. Pure.

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::judge::Finding;

/// One check, as all observers together see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CheckView {
    /// In a word that scripts can rely on: `port.smtp`.
    pub(super) id: String,
    /// Of what: an address, a host; empty for the whole node.
    pub(super) about: String,
    pub(super) verdict: Verdict,
    pub(super) message: String,
    /// What to do about it; empty if nothing.
    pub(super) todo: String,
    /// Which hosters see it so.
    pub(super) seen_by: Vec<String>,
    /// Which see it otherwise, and how.
    pub(super) differs: Vec<OtherView>,
}

/// How another observer sees the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OtherView {
    pub(super) by: String,
    pub(super) verdict: Verdict,
    pub(super) message: String,
}

/// Checks in the order in which they were found first. What fewer than half see is a warning at most: it may be the way from there.
pub(super) fn agree(seen: Vec<(String, Vec<Finding>)>) -> Vec<CheckView> {
    let mut groups: Vec<Vec<(String, Finding)>> = Vec::new();
    for (by, findings) in seen {
        for finding in findings {
            let same = |group: &&mut Vec<(String, Finding)>| {
                group.first().is_some_and(|(_, first)| first.id == finding.id && first.about == finding.about)
            };
            match groups.iter_mut().find(same) {
                // One observer has one opinion of one thing.
                Some(group) if group.iter().any(|(who, _)| *who == by) => {}
                Some(group) => group.push((by.clone(), finding)),
                None => groups.push(vec![(by.clone(), finding)]),
            }
        }
    }
    groups.into_iter().filter_map(check).collect()
}

fn check(group: Vec<(String, Finding)>) -> Option<CheckView> {
    let all = group.len();
    let worst = group.iter().map(|(_, finding)| finding.verdict).max()?;
    let (so, otherwise): (Vec<_>, Vec<_>) =
        group.into_iter().partition(|(_, finding)| finding.verdict == worst);
    let bad = so.len() + otherwise.iter().filter(|(_, finding)| finding.verdict != Verdict::Well).count();
    let verdict = if bad * 2 >= all { worst } else { worst.min(Verdict::Warning) };
    let seen_by = so.iter().map(|(by, _)| by.clone()).collect();
    let (_, Finding { id, about, message, todo, .. }) = so.into_iter().next()?;
    let other = |(by, finding): (String, Finding)| OtherView {
        by,
        verdict: finding.verdict,
        message: finding.message,
    };
    Some(CheckView {
        id,
        about,
        verdict,
        message,
        todo,
        seen_by,
        differs: otherwise.into_iter().map(other).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(about: &str, verdict: Verdict) -> Finding {
        let todo = if verdict == Verdict::Well { "" } else { "do something" };
        Finding {
            id: "port.smtp".to_owned(),
            about: about.to_owned(),
            verdict,
            message: format!("{verdict:?}"),
            todo: todo.to_owned(),
        }
    }

    fn together(verdicts: &[Verdict]) -> CheckView {
        let seen = verdicts.iter().enumerate();
        let checks =
            agree(seen.map(|(at, verdict)| (format!("{at}.test"), vec![finding("x", *verdict)])).collect());
        assert_eq!(checks.len(), 1);
        checks.into_iter().next().unwrap()
    }

    #[test]
    fn what_all_see_is_so_and_what_few_see_is_a_warning() {
        use Verdict::{Warning, Well, Wrong};
        let all = together(&[Wrong, Wrong, Wrong]);
        assert_eq!((all.verdict, all.seen_by.len(), all.differs.len()), (Wrong, 3, 0));
        let half = together(&[Wrong, Well]);
        assert_eq!((half.verdict, half.differs[0].by.as_str()), (Wrong, "1.test"));
        let few = together(&[Well, Wrong, Well]);
        assert_eq!(
            (few.verdict, few.message.as_str(), few.seen_by.as_slice()),
            (Warning, "Wrong", &["1.test".to_owned()][..])
        );
        assert_eq!(few.differs.len(), 2);
        assert_eq!(together(&[Well, Warning, Well]).verdict, Warning);
        assert_eq!(together(&[Wrong, Warning, Well]).verdict, Wrong, "two of three see a fault");
        assert_eq!(together(&[Well, Well]).verdict, Well);
    }

    #[test]
    fn addresses_are_kept_apart_and_nobody_counts_twice() {
        let seen = vec![
            ("a.test".to_owned(), vec![finding("IPv4", Verdict::Well), finding("IPv6", Verdict::Wrong)]),
            ("b.test".to_owned(), vec![finding("IPv4", Verdict::Well), finding("IPv4", Verdict::Wrong)]),
        ];
        let checks = agree(seen);
        let verdicts: Vec<_> = checks.iter().map(|check| (check.about.as_str(), check.verdict)).collect();
        assert_eq!(verdicts, [("IPv4", Verdict::Well), ("IPv6", Verdict::Wrong)]);
    }
}

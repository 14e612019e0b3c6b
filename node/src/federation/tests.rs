//! Readers and the loop.

use std::sync::mpsc;

use essaim_accounts::Actor;
use essaim_directory::listing::parse_edit;
use tokio::time::timeout;

use super::*;
use crate::services::Services;
use crate::shutdown;

/// A node that talks to nobody, and runs.
async fn running(home: &tempfile::TempDir) -> (Services, shutdown::Shutdown, Started) {
    let mut config = Config { data_dir: home.path().to_owned(), ..Config::default() };
    config.hoster.domain = "a.test".parse().unwrap();
    config.listen.peer = None;
    let node = Services::open(config).await.unwrap();
    let (shutdown, stop) = shutdown::channel();
    let journal = node.accounts.journal(Actor::Node);
    let started = node.federation.start(&node.config, journal, stop).await.unwrap();
    (node, shutdown, started)
}

fn name(directory: &View) -> Option<String> {
    directory.hoster(directory.own_listing()?)?.listing().name.as_deref().map(str::to_owned)
}

async fn rename(node: &Services, to: &str) {
    let note = Note::new(node.accounts.journal(Actor::Node), note::DIRECTORY_EDIT, String::new());
    let edits = [parse_edit("name", to).unwrap()];
    node.federation.change(note, move |directory, now| directory.edit(now, &edits)).await.unwrap();
}

/// What pages and commands asked was answered by the loop itself: as long as one of them took, nothing was gossiped, judged or signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_long_holds_up_nobody() {
    let home = tempfile::tempdir().unwrap();
    let (node, _shutdown, _started) = running(&home).await;
    rename(&node, "Before").await;
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let federation = node.federation.clone();
    let slow = tokio::spawn(async move {
        let look = move |directory: &View, _| {
            begun.send(()).unwrap();
            released.recv().unwrap();
            name(directory)
        };
        federation.look(look).await.unwrap()
    });
    has_begun.await.unwrap();
    let meanwhile = async {
        rename(&node, "Meanwhile").await;
        node.federation.look(|directory, _| name(directory)).await.unwrap()
    };
    let seen = timeout(Duration::from_secs(30), meanwhile).await.expect("the loop goes on");
    assert_eq!(seen.as_deref(), Some("Meanwhile"));
    release.send(()).unwrap();
    assert_eq!(slow.await.unwrap().as_deref(), Some("Before"), "it reads what there was when it asked");
}

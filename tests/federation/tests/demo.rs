//! `essaim demo`: three hosters that know each other, and an end that leaves nothing.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use essaim_federation::eventually;
use essaim_harness::{Imap, binary};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[test]
fn three_hosters_know_each_other_and_write_and_leave_nothing() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut demo = Command::new(binary::essaim())
        .args(["demo", "--json"])
        .current_dir(home.path())
        .env("TMPDIR", home.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the essaim binary can be started");
    let mut said = String::new();
    let mut lines = BufReader::new(demo.stdout.take().expect("its output"));
    let stage: Value = loop {
        assert!(lines.read_line(&mut said).expect("a line") > 0, "it ended: {said}");
        if let Ok(stage) = serde_json::from_str(&said) {
            break stage;
        }
    };
    let hosters = stage["hosters"].as_array().expect("hosters");
    let domains = ["rayon.test", "ruche.test", "zwerm.test"];
    for hoster in hosters {
        let dir = hoster["data_dir"].as_str().expect("a directory");
        eventually("all know all, and nobody waits for mail", || {
            let ask = |arguments: &[&str]| -> Value {
                let output = Command::new(binary::essaim())
                    .args(["--data-dir", dir, "--json"])
                    .args(arguments)
                    .output();
                serde_json::from_slice(&output.expect("a command").stdout).unwrap_or_default()
            };
            let listed = ask(&["directory", "list"]);
            let mut known: Vec<&str> = listed
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|listing| listing["domain"].as_str())
                .collect();
            known.sort_unstable();
            known == domains && ask(&["status"])["sent"]["peer"] == 1
        });
        let address: SocketAddr =
            hoster["listen"]["imaps"].as_str().and_then(|at| at.parse().ok()).expect("imaps");
        let member = &hoster["members"][0];
        let mut imap = Imap::connect_tls(address).expect("a connection");
        let text = |key: &str| member[key].as_str().expect("a text").to_owned();
        imap.login(&text("address"), &text("password")).expect("a login");
        assert_eq!(imap.ok("SELECT INBOX").expect("SELECT").exists(), Some(1), "{member}");
    }
    // One of them has changed hosters, and is served by the new one, also where his mail program still looks for him.
    assert_eq!(
        (&stage["moved"]["to"], &stage["moved"]["signatures"]),
        (&"amir@zwerm.test".into(), &2.into())
    );
    let amir = &hosters[0]["members"][1];
    for (at, address) in [(&hosters[1], "amir@zwerm.test"), (&hosters[0], "amir@ruche.test")] {
        let listens = at["listen"]["imaps"].as_str().and_then(|at| at.parse().ok()).expect("imaps");
        let mut imap = Imap::connect_tls(listens).expect("a connection");
        imap.login(address, amir["password"].as_str().expect("a text")).expect("a login");
        assert_eq!(imap.ok("SELECT INBOX").expect("SELECT").exists(), Some(1), "{address}");
    }
    let pid = i32::try_from(demo.id()).ok().and_then(Pid::from_raw).expect("a child has a pid");
    kill_process(pid, Signal::INT).expect("it runs");
    assert!(demo.wait().expect("its end").success());
    assert_eq!(home.path().read_dir().expect("the directory").count(), 0, "something stays");
}

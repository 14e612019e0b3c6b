//! Logging in: who gets in, what it costs, who has to wait.

use std::num::NonZeroUsize;
use std::time::Duration;

use essaim_accounts::{AccountsConfig, AuthError, CredentialId, HashConfig, ThrottleConfig};
use essaim_store::Store;
use essaim_types::Secret;

use crate::support::{HOME, PASSWORD, address, at, cheap, node, node_with, root};

#[tokio::test]
async fn members_log_in_with_any_personal_address_or_the_part_before_the_at() {
    let node = node().await;
    let ann = node.member("Ann@coop.test").await;
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    for login in ["ann@coop.test", "ANN@COOP.TEST", "ann@other.test", "ann", "Ann"] {
        let session = node.login(login, PASSWORD, at(0)).await.unwrap();
        assert_eq!((session.account, session.credential), (ann, CredentialId::Password), "{login}");
    }
}

#[tokio::test]
async fn nobody_logs_in_with_a_shared_address_a_detail_or_nonsense() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.set_catch_all("coop.test".parse().unwrap(), vec![ann], root()).await.unwrap();
    let long = "x".repeat(10_000);
    for login in [
        "postmaster@coop.test",
        "ann+x@coop.test",
        "any@coop.test",
        "@coop.test",
        "",
        "ann@",
        "a b",
        "\0",
        "é",
        &long,
    ] {
        let refused = node.login(login, PASSWORD, at(0)).await;
        assert!(matches!(refused, Err(AuthError::Wrong)), "{login}: {refused:?}");
    }
    for password in ["", "wrong", &"x".repeat(100_000)] {
        assert!(matches!(node.login("ann@coop.test", password, at(0)).await, Err(AuthError::Wrong)));
    }
}

#[tokio::test]
async fn a_disabled_account_says_so_only_to_those_who_know_the_password() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let app = node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    let session = node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
    node.accounts.disable(ann, root()).await.unwrap();
    assert!(!node.accounts.is_current(&session).unwrap());
    for (password, says) in [(PASSWORD, true), (app.password.expose(), true), ("wrong password", false)] {
        let refused = node.login("ann@coop.test", password, at(1)).await.unwrap_err();
        assert_eq!(matches!(refused, AuthError::Disabled), says, "{refused}");
    }
    node.accounts.enable(ann, root()).await.unwrap();
    node.login("ann@coop.test", PASSWORD, at(2)).await.unwrap();
}

#[tokio::test]
async fn the_hoster_itself_cannot_log_in() {
    let node = node().await;
    let text = node.accounts.hoster().to_string();
    assert!(matches!(node.login(&text, "", at(0)).await, Err(AuthError::Wrong)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_at_once_with_one_password_cost_one_hash() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let before = node.accounts.login_stats().hashes;
    let logins: Vec<_> = (0..50)
        .map(|_| {
            let accounts = node.accounts.clone();
            tokio::spawn(async move {
                accounts.authenticate("ann@coop.test", &Secret::new(PASSWORD), HOME, at(0)).await
            })
        })
        .collect();
    for login in logins {
        assert_eq!(login.await.unwrap().unwrap().account, ann);
    }
    assert_eq!(node.accounts.login_stats().hashes - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_goes_away_does_not_take_the_check_from_the_others() {
    let node = node().await;
    node.member("ann@coop.test").await;
    let login = || {
        let accounts = node.accounts.clone();
        tokio::spawn(async move {
            accounts.authenticate("ann@coop.test", &Secret::new(PASSWORD), HOME, at(0)).await
        })
    };
    let clients: Vec<_> = (0..20).map(|_| login()).collect();
    for (n, client) in clients.into_iter().enumerate() {
        if n % 2 == 0 {
            client.abort();
        } else {
            client.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_different_passwords_is_bounded_and_everybody_gets_an_answer() {
    let hash = HashConfig { at_once: NonZeroUsize::new(1), waiting_max: 3, ..cheap().hash };
    let throttle = ThrottleConfig {
        failures_per_login: 1000,
        failures_per_network: 1000,
        failures_per_neighbourhood: 1000,
        failures_per_address: 1000,
        ..ThrottleConfig::default()
    };
    let node = node_with(Store::in_memory(), AccountsConfig { hash, throttle, ..cheap() }).await;
    node.member("ann@coop.test").await;
    let logins: Vec<_> = (0..200)
        .map(|n| {
            let accounts = node.accounts.clone();
            let password = Secret::new(format!("wrong {n}"));
            tokio::spawn(async move { accounts.authenticate("ann@coop.test", &password, HOME, at(0)).await })
        })
        .collect();
    let (mut wrong, mut busy) = (0, 0);
    for login in logins {
        match login.await.unwrap() {
            Err(AuthError::Wrong) => wrong += 1,
            Err(AuthError::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(wrong + busy, 200);
    assert!(wrong >= 4, "the pool went on working");
    assert_eq!(node.accounts.login_stats().busy, busy);
    node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
}

#[tokio::test]
async fn guessing_is_throttled_also_at_logins_that_do_not_exist() {
    for login in ["ann@coop.test", "nobody@coop.test", "not an address"] {
        let node = node().await;
        node.member("ann@coop.test").await;
        for n in 0..8 {
            let refused = node.login(login, &format!("guess {n}"), at(0)).await.unwrap_err();
            assert!(matches!(refused, AuthError::Wrong), "{refused}");
        }
        match node.login(login, PASSWORD, at(0)).await {
            Err(AuthError::Throttled { retry_after }) => assert_eq!(retry_after, Duration::from_secs(1)),
            other => panic!("{other:?}"),
        }
        assert_eq!(node.accounts.login_stats().throttled, 1);
    }
}

#[tokio::test]
async fn the_right_password_gets_in_once_the_wait_is_over_and_forgives() {
    let node = node().await;
    node.member("ann@coop.test").await;
    for n in 0..8 {
        node.login("ann@coop.test", &format!("guess {n}"), at(0)).await.unwrap_err();
    }
    assert!(matches!(node.login("ann@coop.test", PASSWORD, at(0)).await, Err(AuthError::Throttled { .. })));
    node.login("ann@coop.test", PASSWORD, at(1)).await.unwrap();
    for n in 0..8 {
        let refused = node.login("ann@coop.test", &format!("guess {n}"), at(1)).await.unwrap_err();
        assert!(matches!(refused, AuthError::Wrong), "{refused}");
    }
}

#[tokio::test]
async fn a_remembered_password_is_no_way_around_the_throttle() {
    let node = node().await;
    node.member("ann@coop.test").await;
    node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
    for n in 0..8 {
        node.login("ann@coop.test", &format!("guess {n}"), at(1)).await.unwrap_err();
    }
    assert!(matches!(node.login("ann@coop.test", PASSWORD, at(1)).await, Err(AuthError::Throttled { .. })));
}

/// That they take the same time is measured in `benches/costs.rs`: it follows from the same cost on the same way.
#[tokio::test]
async fn an_unknown_login_costs_what_a_known_one_costs() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    for login in ["ann@coop.test", "nobody@coop.test", "ann@elsewhere.test", "not an address"] {
        let before = node.accounts.login_stats().hashes;
        node.login(login, "wrong password", at(0)).await.unwrap_err();
        assert_eq!(node.accounts.login_stats().hashes - before, 1, "{login}");
    }
}

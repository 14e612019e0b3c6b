//! Setting passwords, app passwords and what is remembered of them.

use std::num::NonZeroUsize;

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use essaim_accounts::{
    AccountsConfig, AppPasswordError, AppPasswordId, AuthError, CredentialId, HashConfig, NewAccount,
    NewPassword, PasswordError, SetPasswordError,
};
use essaim_store::{Put, Store};
use essaim_types::{ByteSize, ObjectKind, Secret};

use crate::support::{HOME, PASSWORD, address, at, cheap, node, node_with, root};

#[tokio::test]
async fn a_generated_password_is_told_once_and_marked() {
    let node = node().await;
    let created = node.accounts.create(NewAccount::new(address("ann@coop.test")), root()).await.unwrap();
    let password = created.generated.expect("it was generated");
    node.login("ann@coop.test", password.expose(), at(0)).await.unwrap();
    assert!(node.accounts.show(created.account).unwrap().unwrap().password.unwrap().generated);
    let chosen = NewPassword::Chosen(Secret::new("another password"));
    assert!(node.accounts.set_password(created.account, chosen, root()).await.unwrap().is_none());
    assert!(!node.accounts.show(created.account).unwrap().unwrap().password.unwrap().generated);
}

#[tokio::test]
async fn a_weak_password_is_refused_with_the_reason() {
    let node = node().await;
    let ann = node.member("annabella.longname@coop.test").await;
    for (text, reason) in [
        ("short", PasswordError::TooShort { min: 10 }),
        (&"x".repeat(1025), PasswordError::TooLong { max: 1024 }),
        ("with a\nnew line", PasswordError::Control),
        ("Annabella.Longname", PasswordError::IsAddress),
        ("annabella.longname@COOP.test", PasswordError::IsAddress),
    ] {
        let password = NewPassword::Chosen(Secret::new(text));
        match node.accounts.set_password(ann, password, root()).await {
            Err(SetPasswordError::Password(error)) => assert_eq!(error, reason),
            other => panic!("{text}: {other:?}"),
        }
    }
    let bcrypt = NewPassword::Hashed(Secret::new("$2b$12$abcdefghijklmnopqrstuv"));
    let error = node.accounts.set_password(ann, bcrypt, root()).await.unwrap_err();
    assert!(matches!(error, SetPasswordError::Password(PasswordError::Hash(_))), "{error}");
    node.login("annabella.longname@coop.test", PASSWORD, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_is_refused_at_once_although_it_was_remembered() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let session = node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
    assert!(node.accounts.is_current(&session).unwrap());
    node.accounts
        .set_password(ann, NewPassword::Chosen(Secret::new("another password")), root())
        .await
        .unwrap();
    assert!(!node.accounts.is_current(&session).unwrap());
    assert!(matches!(node.login("ann@coop.test", PASSWORD, at(1)).await, Err(AuthError::Wrong)));
    node.login("ann@coop.test", "another password", at(1)).await.unwrap();
}

#[tokio::test]
async fn an_app_password_opens_the_account_without_a_slow_hash_until_it_is_revoked() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let phone = node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    let laptop = node.accounts.add_app_password(ann, "laptop".into(), root()).await.unwrap();
    let hashes = node.accounts.login_stats().hashes;
    let typed = phone.password.expose().replace('-', "").to_uppercase();
    let session = node.login("ann@coop.test", &typed, at(0)).await.unwrap();
    assert_eq!((session.account, session.credential), (ann, CredentialId::App(phone.id)));
    assert_eq!(node.accounts.login_stats().hashes, hashes);

    node.accounts.revoke_app_password(ann, phone.id, root()).await.unwrap();
    assert!(!node.accounts.is_current(&session).unwrap());
    assert!(matches!(node.login("ann@coop.test", &typed, at(1)).await, Err(AuthError::Wrong)));
    node.login("ann@coop.test", laptop.password.expose(), at(1)).await.unwrap();
    let again = node.accounts.revoke_app_password(ann, phone.id, root()).await.unwrap_err();
    assert!(matches!(again, AppPasswordError::NoSuchAppPassword(id) if id == phone.id), "{again}");
    let names: Vec<String> =
        node.accounts.show(ann).unwrap().unwrap().app_passwords.into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["laptop"]);
}

#[tokio::test]
async fn app_passwords_are_named_and_counted() {
    let node = node_with(Store::in_memory(), AccountsConfig { app_passwords_max: 2, ..cheap() }).await;
    let ann = node.member("ann@coop.test").await;
    for name in ["", "a\nb", &"x".repeat(65)] {
        let error = node.accounts.add_app_password(ann, name.to_owned(), root()).await.unwrap_err();
        assert!(matches!(error, AppPasswordError::Name), "{error}");
    }
    for _ in 0..2 {
        node.accounts.add_app_password(ann, "same".into(), root()).await.unwrap();
    }
    let error = node.accounts.add_app_password(ann, "third".into(), root()).await.unwrap_err();
    assert!(matches!(error, AppPasswordError::TooMany { max: 2 }), "{error}");
    let ids: Vec<AppPasswordId> =
        node.accounts.show(ann).unwrap().unwrap().app_passwords.iter().map(|app| app.id).collect();
    assert!(ids[0] < ids[1]);
}

#[tokio::test]
async fn the_time_of_the_last_use_is_written_at_most_once_an_hour() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let app = node.accounts.add_app_password(ann, "phone".into(), root()).await.unwrap();
    let lsn = || node.store.read().unwrap().account(ann).unwrap().unwrap().lsn;
    let before = lsn();
    for second in 0..100 {
        node.login("ann@coop.test", PASSWORD, at(second)).await.unwrap();
        node.login("ann@coop.test", app.password.expose(), at(second)).await.unwrap();
    }
    assert_eq!(lsn().0, before.0 + 2, "one change for each credential");
    node.login("ann@coop.test", PASSWORD, at(3600)).await.unwrap();
    assert_eq!(lsn().0, before.0 + 3);
    let details = node.accounts.show(ann).unwrap().unwrap();
    assert_eq!(details.password.unwrap().last_used, Some(at(3600)));
    assert_eq!(details.app_passwords[0].last_used, Some(at(0)));
}

#[tokio::test]
async fn a_hash_with_other_costs_is_made_anew_at_the_next_login() {
    let store = Store::in_memory();
    let old = node_with(store.clone(), cheap()).await;
    old.member("ann@coop.test").await;
    // Two at once: the pool has the 64 KiB that the old hash needs.
    let at_once = NonZeroUsize::new(2);
    let hash = HashConfig { memory: ByteSize::kib(32), passes: 1, at_once, ..HashConfig::default() };
    let new = node_with(store, AccountsConfig { hash, ..cheap() }).await;
    let session = new.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
    assert_eq!(new.accounts.login_stats().hashes, 2, "one to check, one to make");
    assert!(new.accounts.is_current(&session).unwrap());
    new.login("ann@coop.test", PASSWORD, at(1)).await.unwrap();
    assert_eq!(new.accounts.login_stats().remembered, 1);
    new.login("ann@coop.test", PASSWORD, at(1000)).await.unwrap();
    assert_eq!(new.accounts.login_stats().hashes, 3, "it has today's costs now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_refused_while_a_password_is_hashed_anew() {
    for _ in 0..20 {
        let store = Store::in_memory();
        node_with(store.clone(), cheap()).await.member("ann@coop.test").await;
        let at_once = NonZeroUsize::new(2);
        let hash = HashConfig { memory: ByteSize::kib(32), passes: 1, at_once, ..HashConfig::default() };
        let node = node_with(store, AccountsConfig { hash, ..cheap() }).await;
        let logins: Vec<_> = (0..20)
            .map(|_| {
                let accounts = node.accounts.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        accounts.authenticate("ann", &Secret::new(PASSWORD), HOME, at(0)).await.unwrap();
                    }
                })
            })
            .collect();
        for login in logins {
            login.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_hash_from_another_system_works_and_one_that_would_eat_the_memory_is_refused() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let salt = SaltString::encode_b64(b"sixteen bytes ok").unwrap();
    let elsewhere = Argon2::new(Algorithm::Argon2i, Version::V0x13, Params::new(16, 3, 1, None).unwrap());
    let hash = elsewhere.hash_password(b"from elsewhere", &salt).unwrap().to_string();
    let greedy = hash.replace("m=16", "m=1048576");
    node.accounts.set_password(ann, NewPassword::Hashed(Secret::new(hash)), root()).await.unwrap();
    node.login("ann@coop.test", "from elsewhere", at(0)).await.unwrap();
    let refused =
        node.accounts.set_password(ann, NewPassword::Hashed(Secret::new(greedy)), root()).await.unwrap_err();
    assert!(matches!(refused, SetPasswordError::Password(PasswordError::Hash(_))), "{refused}");
}

/// Such a hash can come with a moved account, which is objects and not a call of this crate.
#[tokio::test]
async fn a_stored_hash_that_cannot_be_checked_is_nobodys_password_and_harms_nobody() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let bob = node.member("bob@coop.test").await;
    for stored in
        ["", "$2b$12$abc", "$argon2id$v=19$m=4194304,t=16,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"]
    {
        // Version 1, a password, its hash, chosen, created 0, never used.
        let length = u8::try_from(stored.len()).unwrap();
        let value = [&[1, 0, length], stored.as_bytes(), &[0, 0, 0]].concat();
        let planted =
            node.store.commit(move |tx| tx.put(ann, ObjectKind::CREDENTIAL, b"main", Put::new(value)));
        planted.await.unwrap();
        let refused = node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap_err();
        assert!(matches!(refused, AuthError::Wrong), "{refused}");
    }
    assert_eq!(node.login("bob@coop.test", PASSWORD, at(0)).await.unwrap().account, bob);
    node.accounts.set_password(ann, NewPassword::Chosen(Secret::new(PASSWORD)), root()).await.unwrap();
    node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_credential_of_a_later_version_is_a_named_error() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let put = Put::new([9, 1, 2, 3]);
    node.store.commit(move |tx| tx.put(ann, ObjectKind::CREDENTIAL, b"main", put)).await.unwrap();
    let refused = node.login("ann@coop.test", PASSWORD, at(0)).await.unwrap_err();
    assert!(refused.to_string().contains("install the newer essaim"), "{refused}");
}

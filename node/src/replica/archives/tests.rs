//! Room: what one hoster, and one account, may take.

use essaim_identity::SigningKey;
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp(1_900_000_000_000);

#[test]
fn one_hoster_has_so_much_room_counting_what_is_on_its_way() {
    let (archives, _dir) = archives(100);
    assert_eq!(archives.begin(&replica(1, 1, 60), NOW).unwrap(), Begun::At(0));
    assert!(matches!(archives.begin(&replica(2, 2, 60), NOW), Err(KeepError::NoRoom { max: 100 })));
    let others = Kept { from: ListingId::from_bytes([9; 32]), ..replica(2, 2, 60) };
    assert!(archives.begin(&others, NOW).is_ok(), "others have their own");
    let later = NOW.after(UNFINISHED_MAX);
    assert!(archives.begin(&replica(3, 3, 60), later).is_ok(), "what never came whole makes room");
}

#[test]
fn young_replicas_of_an_account_are_pushed_out_by_nothing() {
    let (archives, _dir) = archives(1000);
    for n in 0..REPLICAS_PER_ACCOUNT {
        let root = u8::try_from(n).unwrap() + 1;
        archives.begin(&replica(1, root, 10), NOW).unwrap();
        archives.put(&Kept { whole: true, ..replica(1, root, 10) }).unwrap();
    }
    assert!(matches!(archives.begin(&replica(1, 99, 10), NOW), Err(KeepError::Full)));
    let later = NOW.after(KEPT_AT_LEAST);
    assert!(archives.begin(&replica(1, 99, 10), later).is_ok());
    assert_eq!(archives.all().unwrap().len(), REPLICAS_PER_ACCOUNT, "the oldest has made room");
}

#[test]
fn few_replicas_of_an_account_are_on_their_way() {
    let (archives, _dir) = archives(1000);
    for root in [1, 2] {
        archives.begin(&replica(1, root, 10), NOW).unwrap();
    }
    assert!(matches!(archives.begin(&replica(1, 3, 10), NOW), Err(KeepError::Busy)));
    assert!(archives.begin(&replica(1, 2, 10), NOW).is_ok(), "one of them goes on");
}

#[test]
fn what_came_stays_and_what_is_no_archive_goes() {
    let (archives, _dir) = archives(1000);
    let kept = replica(1, 1, 10);
    archives.begin(&kept, NOW).unwrap();
    io::Write::write_all(&mut archives.partial(&kept, 0).unwrap(), b"12345").unwrap();
    assert_eq!(archives.begin(&kept, NOW).unwrap(), Begun::At(5), "the line broke");
    io::Write::write_all(&mut archives.partial(&kept, 5).unwrap(), b"67890").unwrap();
    assert!(matches!(archives.finish(&kept), Err(KeepError::Refused(_) | KeepError::File(_))));
    assert!(archives.all().unwrap().is_empty() && archives.held(kept.account).unwrap().is_empty());
    assert_eq!(archives.begin(&kept, NOW).unwrap(), Begun::At(0));
}

fn archives(bytes_per_hoster: u64) -> (Archives, TempDir) {
    let (store, hoster, dir) = (Store::in_memory(), AccountId::from_bytes([7; 32]), TempDir::new().unwrap());
    store.commit_blocking(move |tx| tx.create_account(hoster, None)).unwrap();
    (Archives { store, hoster, dir: dir.path().to_owned(), bytes_per_hoster }, dir)
}

/// Of account `n`, from hoster 8.
fn replica(n: u8, root: u8, length: u64) -> Kept {
    let seal = Seal {
        account: AccountId::from_bytes([n; 32]),
        epoch: 0,
        lsn_from: 0,
        lsn_to: 1,
        root: [root; 32],
        segments: 1,
        files: 1,
        objects: 1,
        bytes: 1,
        key: SigningKey::from_seed(&[1; 32]).public(),
        base_root: None,
        log_head: None,
        frames: [0; 32],
    };
    let key = SigningKey::from_seed(&[1; 32]);
    let seal = Signed::sign(&seal, &key).unwrap().to_wire();
    let held = Held { form: Form::ArchiveInTheClear, seal, length, since: NOW };
    Kept::new(AccountId::from_bytes([n; 32]), [root; 32], ListingId::from_bytes([8; 32]), held, NOW)
}

//! Giving and taking addresses.

use essaim_accounts::{
    AddAddressError, AddressError, CreateError, NewAccount, RemoveAddressError, ShareError,
};
use essaim_types::Address;

use crate::support::{address, node, root};

#[tokio::test]
async fn two_members_never_share_a_personal_address() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let taken = |error| matches!(error, CreateError::Address(AddressError::Taken(_)));
    for text in ["ann@coop.test", "ANN@coop.test", "postmaster@coop.test"] {
        assert!(
            taken(node.accounts.create(NewAccount::new(address(text)), root()).await.unwrap_err()),
            "{text}"
        );
    }
    let bob = node.member("bob@coop.test").await;
    let error = node.accounts.add_address(bob, address("Ann@coop.test"), root()).await.unwrap_err();
    assert!(matches!(error, AddAddressError::Address(AddressError::Taken(_))), "{error}");
    let error = node.accounts.share_address(address("ann@coop.test"), vec![bob], root()).await.unwrap_err();
    assert!(matches!(error, ShareError::Address(AddressError::Taken(_))), "{error}");
    assert_eq!(node.accounts.find(&address("ann@coop.test")).unwrap(), Some(ann));
}

#[tokio::test]
async fn an_address_elsewhere_or_with_a_plus_is_refused() {
    let node = node().await;
    for text in ["ann@elsewhere.test", "ann+x@coop.test", "+x@coop.test"] {
        let error = node.accounts.create(NewAccount::new(address(text)), root()).await.unwrap_err();
        let wanted =
            matches!(error, CreateError::Address(AddressError::NotLocal(_) | AddressError::HasDetail(_)));
        assert!(wanted, "{text}: {error}");
    }
}

#[tokio::test]
async fn an_account_has_at_most_two_personal_addresses() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    let error = node.accounts.add_address(ann, address("a@coop.test"), root()).await.unwrap_err();
    assert!(matches!(error, AddAddressError::TooMany { max: 2 }), "{error}");
    node.accounts.share_address(address("info@coop.test"), vec![ann], root()).await.unwrap();
    let details = node.accounts.show(ann).unwrap().unwrap();
    assert_eq!(details.addresses, [address("ann@coop.test"), address("ann@other.test")]);
    let shared: Vec<&str> = details.shared.iter().map(|shared| shared.address.as_str()).collect();
    assert_eq!(shared, ["info@coop.test", "postmaster@coop.test"]);
}

#[tokio::test]
async fn a_removed_address_is_free_and_the_last_one_stays() {
    let node = node().await;
    let (ann, bob) = (node.member("ann@coop.test").await, node.member("bob@coop.test").await);
    let error = node.accounts.remove_address(ann, address("ann@coop.test"), root()).await.unwrap_err();
    assert!(matches!(error, RemoveAddressError::Last(_)), "{error}");
    let error = node.accounts.remove_address(ann, address("bob@coop.test"), root()).await.unwrap_err();
    assert!(matches!(error, RemoveAddressError::NotTheirs(_)), "{error}");
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    node.accounts.remove_address(ann, address("ANN@coop.test"), root()).await.unwrap();
    node.accounts.add_address(bob, address("ann@coop.test"), root()).await.unwrap();
    assert_eq!(node.accounts.find(&address("ann@coop.test")).unwrap(), Some(bob));
    assert_eq!(node.accounts.show(ann).unwrap().unwrap().summary.address, address("ann@other.test"));
}

#[tokio::test]
async fn the_primary_address_is_the_one_chosen() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    node.accounts.add_address(ann, address("ann@other.test"), root()).await.unwrap();
    node.accounts.set_primary_address(ann, address("ann@other.test"), root()).await.unwrap();
    let listed: Vec<Address> = node.accounts.list(None, 10).unwrap().into_iter().map(|a| a.address).collect();
    assert_eq!(listed, [address("ann@other.test")]);
    assert_eq!(node.accounts.show(ann).unwrap().unwrap().addresses.len(), 2);
}

#[tokio::test]
async fn an_address_is_shared_by_those_who_exist_and_not_by_a_crowd() {
    let node = node().await;
    let ann = node.member("ann@coop.test").await;
    let info = address("info@coop.test");
    let stranger = essaim_types::AccountId::from_bytes([9; 32]);
    let error = node.accounts.share_address(info.clone(), vec![ann, stranger], root()).await.unwrap_err();
    assert!(matches!(error, ShareError::NoSuchAccount(_)), "{error}");
    let error =
        node.accounts.share_address(info.clone(), vec![node.accounts.hoster()], root()).await.unwrap_err();
    assert!(matches!(error, ShareError::NoSuchAccount(_)), "{error}");
    let crowd = (0..65u8).map(|n| essaim_types::AccountId::from_bytes([n; 32])).collect();
    let error = node.accounts.share_address(info.clone(), crowd, root()).await.unwrap_err();
    assert!(matches!(error, ShareError::TooMany { max: 64 }), "{error}");
    node.accounts.share_address(info.clone(), vec![ann, ann], root()).await.unwrap();
    let shared = node.accounts.shared_addresses().unwrap();
    assert_eq!(shared.iter().find(|s| s.address == "info@coop.test").unwrap().accounts, [ann]);
}

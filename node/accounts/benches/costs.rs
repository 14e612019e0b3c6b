//! What logins and look-ups cost: `cargo bench -p essaim-accounts`. Numbers of one run are in specs/03-accounts.md.
#![expect(clippy::print_stdout, reason = "it prints its report")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use essaim_accounts::{Accounts, AccountsConfig, Actor, LocalDomains, NewAccount, NewPassword};
use essaim_store::{Options, Store};
use essaim_types::{Address, Secret, Timestamp};

const ACCOUNTS: usize = 3000;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{ACCOUNTS} accounts; medians");
    run("memory", Store::in_memory()).await;
    let room = tempfile::tempdir().expect("a directory");
    run("disk", Store::open(room.path(), &Options::default()).expect("a new store")).await;
}

async fn run(name: &str, store: Store) {
    let accounts = open(&store).await;
    let made = Instant::now();
    fill(&accounts).await;
    println!("{name}: {ACCOUNTS} accounts made one after another in {:.1?}", made.elapsed());
    let opened = Instant::now();
    let accounts = open(&store).await;
    println!("{name}: opened in {:.1?}", opened.elapsed());
    look_ups(name, &accounts);
    logins(name, &accounts).await;
}

fn look_ups(name: &str, accounts: &Accounts) {
    let known: Vec<Address> = (0..ACCOUNTS).map(member).collect();
    let unknown: Address = "nobody@coop.test".parse().expect("an address");
    let mut turn = 0;
    let mut next = || {
        turn = (turn + 7919) % ACCOUNTS;
        &known[turn]
    };
    report(name, "resolve, known", median(20_000, || drop(black_box(accounts.resolve(next())))));
    report(name, "resolve, unknown", median(20_000, || drop(black_box(accounts.resolve(&unknown)))));
    let ann = accounts.find(&known[0]).expect("the store reads").expect("she is there");
    report(name, "may_send_as", median(20_000, || drop(black_box(accounts.may_send_as(ann, &known[0])))));
}

async fn logins(name: &str, accounts: &Accounts) {
    let address = member(1);
    let account = accounts.find(&address).expect("the store reads").expect("the account is there");
    let password = Secret::new("a password to measure");
    let chosen = NewPassword::Chosen(password.clone());
    let set = Instant::now();
    accounts.set_password(account, chosen, Actor::Node).await.expect("set");
    report(name, "set a password (hash and commit)", set.elapsed());
    let app = accounts.add_app_password(account, "bench".into(), Actor::Node).await.expect("made").password;
    let login = address.to_string();
    println!("{name}: resident before logins {}", resident());
    let wrong = Secret::new("a wrong password");
    // Ten minutes between two: nothing is remembered, and the last use is seldom written.
    let [first, remembered, app] =
        attempts(accounts, 600, [(&login, &password), (&login, &password), (&login, &app)]).await;
    // Hours between two: failures are forgotten.
    let [wrong, unknown] = attempts(accounts, 7200, [(&login, &wrong), ("nobody@coop.test", &wrong)]).await;
    report(name, "login, first", first);
    report(name, "login, remembered", remembered);
    report(name, "login, app password", app);
    report(name, "login, wrong password", wrong);
    report(name, "login, unknown address", unknown);
    println!("{name}: resident after logins {}", resident());
}

async fn attempts<const N: usize>(
    accounts: &Accounts,
    seconds: i64,
    attempts: [(&str, &Secret); N],
) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for n in 0..40 {
        let now = Timestamp::from_seconds(1_900_000_000 + n * seconds);
        for (times, (login, secret)) in times.iter_mut().zip(attempts) {
            let began = Instant::now();
            drop(black_box(accounts.authenticate(login, secret, PEER, now).await));
            times.push(began.elapsed());
        }
    }
    times.map(middle)
}

async fn open(store: &Store) -> Accounts {
    let domains = LocalDomains::new("coop.test".parse().expect("a domain"), []);
    Accounts::open(
        store.clone(),
        AccountsConfig::default(),
        domains,
        Some(essaim_types::ListingId::from_bytes([1; 32])),
    )
    .await
    .expect("the accounts open")
}

async fn fill(accounts: &Accounts) {
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for n in 0..ACCOUNTS {
        let password = NewPassword::Hashed(Secret::new(hash));
        let new = NewAccount { password, ..NewAccount::new(member(n)) };
        accounts.create(new, Actor::Node).await.expect("made");
    }
}

fn member(n: usize) -> Address {
    format!("member{n}@coop.test").parse().expect("an address")
}

fn median(times: usize, mut work: impl FnMut()) -> Duration {
    middle((0..times).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    }))
}

fn middle(times: impl IntoIterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort();
    times[times.len() / 2]
}

fn report(name: &str, what: &str, time: Duration) {
    println!("{name}: {what}: {time:.1?}");
}

fn resident() -> String {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("unknown");
    line.trim_start_matches("VmRSS:").trim().to_owned()
}

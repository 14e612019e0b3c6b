//! How much memory a client can make us hold: counted by the allocator. One test, since the count is of the whole process.
#![expect(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_imap::command::Access;
use essaim_imap::{Action, Connection, Limits, Outcome, Settings, Transport};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that was held during `work` above what was held before it.
fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let value = work();
    (PEAK.load(Ordering::Relaxed) - before, value)
}

/// Rules that agree and keep nothing.
fn pump(connection: &mut Connection) {
    while let Some(action) = connection.next_action() {
        match action {
            Action::Authenticate { .. } => connection.answer_login(Ok(())),
            Action::RunAccount { .. } => {
                connection.answer_done(Outcome::Selected { access: Access::ReadWrite, text: "open".into() });
            }
            Action::RunMailbox { .. } | Action::AppendCommit | Action::IdleDone => {
                connection.answer_done(Outcome::ok("done"));
            }
            Action::AppendBegin { .. } | Action::AppendMessage(_) => connection.answer_append(Ok(())),
            _ => {}
        }
    }
}

fn selected() -> Connection {
    let settings =
        Settings { limits: Limits::default(), transport: Transport::Tls, id: vec![("name", "Essaim")] };
    let mut connection = Connection::new(settings);
    connection.receive(b"a LOGIN u p\r\nb ENABLE QRESYNC\r\nc SELECT x\r\n");
    pump(&mut connection);
    connection
}

/// A command of one mebibyte, a little less than the longest.
fn fill(head: &str, piece: &str, tail: &str) -> Vec<u8> {
    let count = ((1 << 20) - head.len() - tail.len() - 8) / piece.len();
    format!("t {head}{}{tail}\r\n", piece.repeat(count)).into_bytes()
}

#[test]
fn memory_is_bounded_whatever_a_client_sends() {
    let (idle, connection) = peak(|| {
        let mut connection = selected();
        connection.receive(b"d IDLE\r\n");
        pump(&mut connection);
        connection
    });
    let held = idle.min(NOW.load(Ordering::Relaxed)) + size_of::<Connection>();
    println!("an idle connection: {} bytes and {held} on the heap at most", size_of::<Connection>());
    assert!(held < 8 << 10, "{held}");
    drop(connection);

    let commands = [
        ("numbers", fill("UID FETCH 1", ",1", " FLAGS")),
        ("ranges", fill("UID FETCH 1", ",1:2", " FLAGS")),
        ("stars", fill("UID STORE *", ",*", " FLAGS ()")),
        ("search sets", fill("SEARCH 1", ",1", "")),
        ("search keys", fill("SEARCH ALL", " ALL", "")),
        ("search texts", fill("SEARCH ALL", " TO \"\"", "")),
        ("search or", fill("SEARCH ", "OR ALL ", "ALL")),
        ("search not", fill("SEARCH ", "NOT ", "ALL")),
        ("search nests", fill("SEARCH ", "(", "")),
        ("search text", fill("SEARCH TEXT \"", "\\\"", "\"")),
        ("known uids", fill("SELECT x (QRESYNC (1 1 1", ",1", "))")),
        ("items", fill("FETCH 1 (UID", " BODY[1]", ")")),
        ("headers", fill("FETCH 1 BODY[HEADER.FIELDS (a", " a", ")]")),
        ("sections", fill("FETCH 1 BODY[1", ".1", "]")),
        ("flags", fill("STORE 1 FLAGS (a", " a", ")")),
        ("patterns", fill("LIST \"\" (a", " a", ")")),
        ("pattern", fill("LIST \"\" \"", "*%", "\"")),
        ("id", fill("ID (\"a\" NIL", " \"a\" NIL", ")")),
        ("enable", fill("STATUS x (UNSEEN", " UNSEEN", ")")),
        ("name", fill("SELECT \"", "a/", "\"")),
        ("shifted name", fill("SELECT &", "AAAA", "-")),
        ("no end", vec![b'x'; 4 << 20]),
        ("literals", {
            let literal = format!("{{65000+}}\r\n{} ", "x".repeat(65000));
            format!("t ID ({})\r\n", literal.repeat(16)).into_bytes()
        }),
    ];
    for (what, wire) in commands {
        let mut connection = selected();
        let (peak, ()) = peak(|| {
            for piece in wire.chunks(16 << 10) {
                if connection.wants_input() {
                    connection.receive(piece);
                    pump(&mut connection);
                }
            }
        });
        println!("{what}: {} bytes sent, {peak} held", wire.len());
        assert!(peak < 10 << 20, "{what}: {peak}");
    }

    let mut connection = selected();
    connection.receive(b"t APPEND x {50000000+}\r\n");
    pump(&mut connection);
    let piece = vec![b'x'; 16 << 10];
    let (peak, ()) = peak(|| {
        for _ in 0..50_000_000 / piece.len() {
            connection.receive(&piece);
            pump(&mut connection);
        }
    });
    println!("a message of 50 MB: {peak} held");
    assert!(peak < 64 << 10, "{peak}");
}

//! What this server can do, as it is told in each state: RFC 9051 section 6.1.1.

use super::{State, Transport};
use essaim_types::ByteSize;

/// The words after CAPABILITY.
pub(super) fn capabilities(state: State, transport: Transport, message: ByteSize) -> String {
    let mut words = String::from(ALWAYS);
    if state == State::NotAuthenticated {
        words.push_str(match transport {
            Transport::Tls | Transport::Clear => " AUTH=PLAIN",
            Transport::StartTlsOffered => " STARTTLS AUTH=PLAIN",
            Transport::StartTlsRequired => " STARTTLS LOGINDISABLED",
        });
    } else {
        words.push_str(AFTER_LOGIN);
        words.push_str(&format!(" APPENDLIMIT={}", message.0));
    }
    words
}

const ALWAYS: &str = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE";

/// Told after login only: most clients ask again then, and a shorter greeting suits those that do not.
const AFTER_LOGIN: &str = " NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE \
    CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN STATUS=SIZE MULTIAPPEND BINARY OBJECTID SAVEDATE QUOTA QUOTA=RES-STORAGE \
    UTF8=ACCEPT";

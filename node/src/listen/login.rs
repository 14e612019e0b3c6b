//! How a refused login is told in each protocol, and who may log in without encryption.

use std::net::IpAddr;

use essaim_accounts::AuthError;
use essaim_imap::{Reply, ResponseCode};
use essaim_smtp::server::LoginVerdict;
use tracing::error;

use crate::config::LoginWithoutTls;

/// From where a password may come in clear, although TLS is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainLogin {
    Nowhere,
    ThisMachine,
}

impl From<LoginWithoutTls> for PlainLogin {
    fn from(configured: LoginWithoutTls) -> Self {
        match configured {
            LoginWithoutTls::Never => Self::Nowhere,
            LoginWithoutTls::Loopback => Self::ThisMachine,
        }
    }
}

impl PlainLogin {
    pub(super) fn is_for(self, peer: IpAddr) -> bool {
        self == Self::ThisMachine && peer.to_canonical().is_loopback()
    }
}

/// RFC 5530: only a wrong password makes a mail program ask for another.
pub(super) fn imap(refused: &AuthError) -> Reply {
    let code = match refused {
        AuthError::Wrong => ResponseCode::AuthenticationFailed,
        AuthError::Disabled | AuthError::Moved { .. } => ResponseCode::ContactAdmin,
        AuthError::Throttled { .. } | AuthError::Busy | AuthError::Arriving | AuthError::HomeSilent => {
            ResponseCode::Unavailable
        }
        AuthError::Storage(_) => {
            log(refused);
            return Reply::coded(
                ResponseCode::Unavailable,
                "the server cannot check passwords now; try again later",
            );
        }
    };
    Reply::coded(code, refused.to_string())
}

/// RFC 4954 section 6.
pub(super) fn smtp(refused: &AuthError) -> LoginVerdict {
    match refused {
        AuthError::Wrong | AuthError::Disabled | AuthError::Moved { .. } => LoginVerdict::Refuse,
        AuthError::Throttled { .. } => LoginVerdict::SlowDown,
        AuthError::Busy | AuthError::Arriving | AuthError::HomeSilent => LoginVerdict::TryLater,
        AuthError::Storage(_) => {
            log(refused);
            LoginVerdict::TryLater
        }
    }
}

fn log(refused: &AuthError) {
    error!(error = refused as &dyn std::error::Error, "a password could not be checked");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_a_wrong_password_is_called_wrong() {
        assert_eq!(imap(&AuthError::Wrong).code, Some(ResponseCode::AuthenticationFailed));
        let throttled = AuthError::Throttled { retry_after: Duration::from_secs(3) };
        assert_eq!(imap(&throttled).code, Some(ResponseCode::Unavailable));
        assert_eq!(smtp(&throttled), LoginVerdict::SlowDown);
        assert_eq!(smtp(&AuthError::Busy), LoginVerdict::TryLater);
    }

    #[test]
    fn passwords_in_clear_are_for_this_machine_at_most() {
        let here: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
        let there: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(PlainLogin::ThisMachine.is_for(here) && !PlainLogin::ThisMachine.is_for(there));
        assert!(!PlainLogin::Nowhere.is_for(here));
    }
}

//! The servers that we are compared with come up in private directories and take and give mail.

use essaim_harness::peers::{Dovecot, MailFormat, Postfix, PostfixRoute};
use essaim_harness::{Account, Imap, Smtp};
use tempfile::TempDir;

#[test]
fn postfix_hands_mail_to_dovecot() {
    for format in [MailFormat::Maildir, MailFormat::Mdbox] {
        let home = TempDir::new().unwrap();
        let alice = Account::new("alice@a.test");
        let Some(dovecot) =
            Dovecot::start(&home.path().join("dovecot"), format, std::slice::from_ref(&alice))
        else {
            return;
        };
        let route = PostfixRoute::Lmtp(dovecot.lmtp());
        let Some(postfix) = Postfix::start(&home.path().join("postfix"), &route) else { return };

        let mut imap = Imap::connect(dovecot.imap()).unwrap();
        imap.login(&alice.address, &alice.password).unwrap();
        imap.ok("SELECT INBOX").unwrap();
        let idle = imap.idle().unwrap();
        let mut smtp = Smtp::connect(postfix.smtp()).unwrap();
        let reply = smtp.deliver("bob@b.test", &["alice@a.test"], b"Subject: x\r\n\r\n.hello\r\n").unwrap();
        assert_eq!(reply.code, 250, "{reply}");
        while !imap
            .response()
            .unwrap_or_else(|error| panic!("{error}\n{}", postfix.log()))
            .ends_with(b"EXISTS\r\n")
        {}
        imap.done(&idle).unwrap();
        let fetched = imap.ok("FETCH 1 BODY.PEEK[TEXT]").unwrap();
        let (_, attributes) = fetched.fetched().next().unwrap();
        assert_eq!(
            attributes.attribute("BODY[TEXT]").and_then(|body| body.bytes()),
            Some(&b".hello\r\n"[..])
        );
    }
}

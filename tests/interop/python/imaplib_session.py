"""Everything that Python's imaplib can do, against a fresh account."""

import imaplib
import os
import ssl
import time

USER, PASSWORD = os.environ["ESSAIM_USER"], os.environ["ESSAIM_PASSWORD"]
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
MAIL = b"From: bob@b.test\r\nTo: alice@a.test\r\nSubject: %d bees\r\nMessage-ID: <%d@b.test>\r\n\r\nbody %d\r\n"


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def starttls_and_authenticate():
    imap = imaplib.IMAP4("127.0.0.1", int(os.environ["ESSAIM_IMAP"]), timeout=60)
    ok(imap.starttls(TLS))
    ok(imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode()))
    ok(imap.noop())
    imap.logout()


def wrong_password():
    imap = imaplib.IMAP4_SSL("127.0.0.1", int(os.environ["ESSAIM_IMAPS"]), ssl_context=TLS, timeout=60)
    try:
        imap.login(USER, "wrong")
    except imaplib.IMAP4.error as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
    else:
        raise AssertionError("a wrong password was accepted")
    imap.shutdown()


def session():
    imap = imaplib.IMAP4_SSL("127.0.0.1", int(os.environ["ESSAIM_IMAPS"]), ssl_context=TLS, timeout=60)
    assert "IMAP4REV1" in imap.capabilities, imap.capabilities
    ok(imap.login(USER, PASSWORD))
    assert any(b"INBOX" in line for line in ok(imap.list()))
    ok(imap.create("Archive/2026"))
    ok(imap.subscribe("Archive/2026"))
    assert any(b"Archive/2026" in line for line in ok(imap.lsub()))
    ok(imap.enable("CONDSTORE"))

    when = imaplib.Time2Internaldate(time.mktime((2026, 3, 3, 9, 15, 0, 0, 0, -1)))
    for number in range(1, 6):
        data = ok(imap.append("INBOX", "(\\Flagged $bee)" if number == 2 else "()", when, MAIL % ((number,) * 3)))
        assert b"APPENDUID" in data[0], data
    assert ok(imap.select("INBOX")) == [b"5"]
    assert imap.response("UIDVALIDITY")[1][0].isdigit()

    assert ok(imap.search(None, "FLAGGED")) == [b"2"]
    assert ok(imap.search(None, "KEYWORD", "$bee")) == [b"2"]
    assert ok(imap.search(None, '(OR SUBJECT "3 BEES" BODY "body 4")')) == [b"3 4"]
    assert ok(imap.search("UTF-8", "SINCE", "2-Mar-2026", "BEFORE", "4-Mar-2026")) == [b"1 2 3 4 5"]
    assert ok(imap.search(None, "HEADER", "Message-ID", "<5@b.test>", "NOT", "DELETED")) == [b"5"]

    (head, body), _ = ok(imap.fetch("3", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY.PEEK[])"))
    assert body == MAIL % (3, 3, 3), body
    assert b'"3 bees"' in head and b"<3@b.test>" in head, head
    assert imaplib.Internaldate2tuple(head) is not None, head
    assert b"\\Seen" not in head
    ok(imap.fetch("3", "(RFC822)"))
    assert ok(imap.search(None, "SEEN")) == [b"3"]
    (_, part), _ = ok(imap.fetch("4", "(BODY[HEADER.FIELDS (SUBJECT)]<0.10>)"))
    assert part == b"Subject: 4", part

    assert b"\\Answered" in ok(imap.store("1:2", "+FLAGS", "(\\Answered)"))[0]
    ok(imap.store("2", "-FLAGS.SILENT", "($bee)"))
    assert ok(imap.search(None, "KEYWORD", "$bee")) == [b""]
    assert b"COPYUID" in ok(imap.copy("1:2", "Archive/2026"))[0]
    ok(imap.uid("MOVE", ok(imap.uid("SEARCH", "SUBJECT", '"5 bees"'))[0].decode(), "Archive/2026"))
    assert b"MESSAGES 3" in ok(imap.status("Archive/2026", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))[0]

    ok(imap.store("1", "+FLAGS", "(\\Deleted)"))
    expunged = ok(imap.expunge())
    assert expunged[-1] == b"1", expunged  # imaplib keeps what MOVE expunged, too
    assert ok(imap.search(None, "ALL")) == [b"1 2 3"]
    ok(imap.unselect())
    ok(imap.unsubscribe("Archive/2026"))
    ok(imap.rename("Archive/2026", "Archive/Old"))
    assert ok(imap.select("Archive/Old", readonly=True)) == [b"3"]
    ok(imap.close())
    ok(imap.delete("Archive/Old"))
    ok(imap.namespace())
    ok(imap.getquotaroot("INBOX"))
    status, _ = imap.select("Archive/Old")
    assert status == "NO"
    imap.logout()


starttls_and_authenticate()
wrong_password()
session()

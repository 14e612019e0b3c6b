"""smtplib: in clear from outside, and submission with STARTTLS and TLS."""

import email.message
import email.policy
import imaplib
import os
import smtplib
import ssl

USER, PASSWORD = os.environ["ESSAIM_USER"], os.environ["ESSAIM_PASSWORD"]
TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def mail(sender, subject):
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, USER, subject
    message.set_content("Zoé\n.\nend\n")
    message.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="é.bin")
    return message


def port(name):
    return int(os.environ[f"ESSAIM_{name}"])


with smtplib.SMTP("127.0.0.1", port("SMTP"), timeout=60) as smtp:
    smtp.send_message(mail("bob@b.test", "in clear"))
    assert smtp.has_extn("pipelining") and smtp.has_extn("8bitmime") and smtp.has_extn("smtputf8")
    refused = smtp.docmd("VRFY", USER)
    assert refused[0] in (252, 502), refused
    try:
        smtp.sendmail("bob@b.test", ["nobody@a.test"], b"x")
    except smtplib.SMTPRecipientsRefused as error:
        assert error.recipients["nobody@a.test"][0] == 550, error
    else:
        raise AssertionError("an unknown recipient was accepted")

with smtplib.SMTP("127.0.0.1", port("SUBMISSION"), timeout=60) as smtp:
    smtp.starttls(context=TLS)
    smtp.login(USER, PASSWORD)
    smtp.send_message(mail(USER, "starttls"))

with smtplib.SMTP_SSL("127.0.0.1", port("SUBMISSIONS"), context=TLS, timeout=60) as smtp:
    smtp.login(USER, PASSWORD)
    smtp.send_message(mail(USER, "tls"))

imap = imaplib.IMAP4_SSL("127.0.0.1", port("IMAPS"), ssl_context=TLS, timeout=60)
imap.login(USER, PASSWORD)
assert imap.select("INBOX") == ("OK", [b"3"])
for number, subject in enumerate(["in clear", "starttls", "tls"], 1):
    _, ((_, raw), _) = imap.fetch(str(number), "(RFC822)")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Subject"] == subject, message["Subject"]
    assert message.get_body().get_content().splitlines() == ["Zoé", ".", "end"], message
    assert next(message.iter_attachments()).get_content() == bytes(range(256)) * 40
imap.logout()

# Delivers as an ordinary client does: after STARTTLS with the certificate checked, by SMTP and by LMTP. Prints what it was told.
import smtplib
import ssl
import sys

port, certificate = int(sys.argv[1]), sys.argv[2]
message = b"From: a@b.example\r\nSubject: x\r\n\r\n.a line that begins with a dot\r\nand a long one: " + b"x" * 5000 + b"\r\n"
for kind in (smtplib.SMTP, smtplib.LMTP):
    client = kind("localhost", port, timeout=20)
    client.ehlo_or_helo_if_needed()
    print(kind.__name__, "offers", sorted(client.esmtp_features))
    try:
        client.sendmail("", ["bounces@ours.example"], message)
    except smtplib.SMTPSenderRefused as error:
        print("in clear", error.smtp_code)
    client.starttls(context=ssl.create_default_context(cafile=certificate))
    client.ehlo_or_helo_if_needed()
    print("protected", sorted(client.esmtp_features))
    print("refused", {to: code for to, (code, _) in client.sendmail(
        "", ["bounces@ours.example", "somebody@elsewhere.example"], message).items()})
    try:
        client.sendmail("", ["bounces@ours.example"], b"Subject: large\r\n\r\n" + b"y" * 300_000)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused) as error:
        print("too large", error.args[0])
    client.quit()

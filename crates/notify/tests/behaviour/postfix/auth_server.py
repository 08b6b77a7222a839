"""aiosmtpd with AUTH behind STARTTLS: one port that offers PLAIN alone, one that offers LOGIN alone. Prints the ports."""
import asyncio
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


class Taker:
    async def handle_DATA(self, server, session, envelope):
        return "250 taken"


def check(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"desk", b"s3cret"))


async def main():
    loop = asyncio.get_running_loop()
    for other in ("LOGIN", "PLAIN"):
        options = dict(tls_context=context, require_starttls=True, auth_required=True, auth_exclude_mechanism=[other])
        server = await loop.create_server(
            lambda options=options: SMTP(Taker(), authenticator=check, loop=loop, **options), "127.0.0.1", 0
        )
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())

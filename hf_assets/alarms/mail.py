"""Alarms by e-mail: a plain text over SMTP."""

import ipaddress
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from hf_assets.alarms.alarm import Alarm, AlarmError
from hf_assets.errors import clean

# Seconds of silence of the server.
SECONDS = 10.0
_PORTS = {"smtp": 587, "smtps": 465}
_EXAMPLE = "HF_ASSETS_SMTP=smtp://user:password@mail.example.org:587"
# Answers 4xx ask for another try.
_LATER = range(400, 500)


@dataclass(frozen=True, repr=False)
class Server:
    """An SMTP server and the login to it."""

    host: str
    port: int
    encrypted: bool
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> "Server":
        """Read `smtp://user:password@host:587` or `smtps://…`. AlarmError for another text."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise AlarmError(
                f"HF_ASSETS_SMTP is no address of a mail server: set it like {_EXAMPLE}, or "
                "smtps://… where the connection is encrypted from the start (characters of the "
                "password other than letters and digits in percent-encoding)."
            )
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            encrypted=parts.scheme == "smtps",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


@dataclass(frozen=True, repr=False)
class Mail:
    """Recipients, and the server that takes their mail."""

    recipients: tuple[str, ...]
    sender: str
    server: Server

    @classmethod
    def parse(cls, address: str, smtp: str | None, sender: str = "") -> "Mail":
        """Read `mailto:person@example.org`, several addresses separated by commas.

        Args:
            address: the switch.
            smtp: the server; None where it is not set.
            sender: by default the login where that is an address, else the first recipient.

        Raises:
            AlarmError: an address or the server is invalid or missing.
        """
        named = unquote(urlsplit(address).path).split(",")
        recipients = tuple(one.strip() for one in named if one.strip())
        for one in (*recipients, *filter(None, [sender])):
            local, _, domain = one.rpartition("@")
            if not (local and domain) or not one.isprintable() or set(one) & set(" <>,;\"'"):
                raise AlarmError(
                    f"{clean(one)!r} is no e-mail address: set HF_ASSETS_ALARM like "
                    "mailto:person@example.org, and HF_ASSETS_ALARM_SENDER to an address or not "
                    "at all."
                )
        if not recipients:
            raise AlarmError("HF_ASSETS_ALARM names no recipient: mailto:person@example.org.")
        if not smtp:
            raise AlarmError(
                f"HF_ASSETS_ALARM asks for e-mail, and no server is set: set {_EXAMPLE}."
            )
        server = Server.parse(smtp)
        login = server.user if "@" in server.user else ""
        return cls(recipients, sender or login or recipients[0], server)

    @property
    def name(self) -> str:
        """The receivers and the server."""
        return f"mail to {', '.join(self.recipients)} by {self.server.host}:{self.server.port}"

    def send(self, alarm: Alarm) -> str:
        """Hand an alarm to the server; the remark names recipients that it refused.

        AlarmError where it takes it for none: another try would send it twice to the others.
        """
        try:
            session = self._session()
            try:
                refused = session.send_message(self._message(alarm))
            finally:
                # The mail is taken or not by now: a farewell that fails is no reason to repeat it.
                with suppress(OSError, smtplib.SMTPException):
                    session.quit()
                session.close()
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(error.recipients) from None
        except smtplib.SMTPResponseException as error:
            later = error.smtp_code in _LATER
            said = f"{error.smtp_code} {_text(error.smtp_error)}"
            raise self._failed(said, permanent=not later) from None
        except smtplib.SMTPNotSupportedError as error:
            raise self._failed(str(error), permanent=True) from None
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            said = f"{type(error).__name__}: {error}"
            permanent = isinstance(error, ssl.SSLCertVerificationError)
            raise self._failed(said, permanent=permanent) from None
        return str(self._refused(refused)) if refused else ""

    def _session(self) -> smtplib.SMTP:
        server, context = self.server, ssl.create_default_context()
        if server.encrypted:
            session = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=context)
        else:
            session = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        try:
            session.ehlo()
            offered = session.has_extn("starttls")
            if offered and not server.encrypted:
                session.starttls(context=context)
                session.ehlo()
            if server.user:
                if not (offered or server.encrypted or _loopback(server.host)):
                    raise AlarmError(
                        f"{self.name}: the server offers no encryption, and the password would "
                        "cross the network readably: set HF_ASSETS_SMTP to smtps://…."
                    )
                session.login(server.user, server.password)
        except BaseException:
            session.close()
            raise
        return session

    def _message(self, alarm: Alarm) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"hf_assets: {alarm.title}"
        message["From"], message["To"] = self.sender, ", ".join(self.recipients)
        message["Date"] = format_datetime(alarm.time)
        message["Message-ID"] = make_msgid(domain=socket.gethostname() or "localhost")
        # Receivers must not answer it with a note of absence.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(alarm.text)
        return message

    def _refused(self, recipients: dict[str, tuple[int, bytes]]) -> AlarmError:
        said = "; ".join(f"{one}: {code} {_text(why)}" for one, (code, why) in recipients.items())
        later = all(code in _LATER for code, _ in recipients.values())
        return self._failed(said, permanent=not later)

    def _failed(self, said: str, *, permanent: bool) -> AlarmError:
        return AlarmError(
            f"{self.name} failed ({clean(said, secrets=[self.server.password])}): check "
            "HF_ASSETS_ALARM and HF_ASSETS_SMTP, then try them with `hf-assets alarm`.",
            permanent=permanent,
        )


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

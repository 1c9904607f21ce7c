"""Alarms by a real mail server on loopback."""

import email
from email import policy
from pathlib import Path
from typing import Any

import pytest

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.mail import Mail, Server
from hf_assets_tests.alarms.conftest import alarm
from hf_assets_tests.support.alarms.receivers import Mailbox, mailbox

TO = "mailto:person@example.org"


def mail(box: Mailbox, login: str = "", to: str = TO) -> Mail:
    return Mail.parse(to, f"smtp://{login}127.0.0.1:{box.port}")


def test_a_mail_is_the_alarm() -> None:
    with mailbox() as box:
        assert mail(box, to="mailto:person@example.org,other@example.org").send(alarm()) == ""
    (envelope,) = box.mails
    assert envelope.rcpt_tos == ["person@example.org", "other@example.org"]
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=policy.default)
    assert message["Subject"] == "hf_assets: capture_today failed for day 1"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"]
    assert message.get_content().splitlines() == alarm().text.splitlines()


def test_the_login_is_used_and_its_password_is_in_no_error() -> None:
    with mailbox("pass:w@rd") as box:
        mail(box, "me%40example.org:pass%3Aw%40rd@").send(alarm())
        assert box.logins == [("me@example.org", "pass:w@rd")]
        assert box.mails[0].mail_from == "me@example.org"
        with pytest.raises(AlarmError, match="535") as refused:
            mail(box, "me:wrongpassword@").send(alarm())
    assert refused.value.permanent
    assert "wrongpassword" not in str(refused.value)
    assert len(box.mails) == 1


def test_a_server_that_wants_a_login_says_so() -> None:
    with mailbox("secret") as box, pytest.raises(AlarmError, match="530"):
        mail(box).send(alarm())


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user", True), ("451 greylisted, try later", False)]
)
def test_a_refused_recipient(answer: str, permanent: bool) -> None:
    with mailbox() as box:
        box.refused = {"person@example.org": answer}
        with pytest.raises(AlarmError, match=answer[4:]) as refused:
            mail(box).send(alarm())
        assert refused.value.permanent == permanent
        # The others have it: it must not be sent to them again.
        remark = mail(box, to=f"{TO},other@example.org").send(alarm())
    assert answer[4:] in remark
    assert [envelope.rcpt_tos for envelope in box.mails] == [["other@example.org"]]


def test_a_server_that_is_down_is_tried_again_later() -> None:
    with mailbox() as box:
        pass
    with pytest.raises(AlarmError, match="ConnectionRefused") as refused:
        mail(box).send(alarm())
    assert not refused.value.permanent


def test_a_rude_farewell_is_no_reason_to_send_it_again() -> None:
    class Rude(Mailbox):
        async def handle_QUIT(self, *_: Any) -> str:
            return "421 too many connections"

    with mailbox(box=Rude()) as box:
        assert mail(box).send(alarm()) == ""
    assert len(box.mails) == 1


def test_no_password_crosses_a_network_readably(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_assets.alarms.mail._loopback", lambda host: False)
    with mailbox("secret") as box:
        with pytest.raises(AlarmError, match="no encryption"):
            mail(box, "me:secret@").send(alarm())
        assert box.logins == []


def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    import ssl
    import subprocess

    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with mailbox("secret", tls_context=context, require_starttls=True) as box:
        sender = mail(box, "me:secret@")
        with pytest.raises(AlarmError, match="CERTIFICATE_VERIFY_FAILED"):
            sender.send(alarm())
        assert box.logins == []
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            sender.send(alarm())
    assert box.logins == [("me", "secret")]
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("address", "smtp", "said"),
    [
        (TO, None, "no server is set"),
        (TO, "mail.example.org", "no address of a mail server"),
        (TO, "smtp://host:port", "no address of a mail server"),
        ("mailto:", "smtp://host", "names no recipient"),
        ("mailto:person", "smtp://host", "no e-mail address"),
        ("mailto:a@b.c%0ABcc:x@y.z", "smtp://host", "no e-mail address"),
    ],
)
def test_a_wrong_setting_says_what_to_set(address: str, smtp: str | None, said: str) -> None:
    with pytest.raises(AlarmError, match=said):
        Mail.parse(address, smtp)


def test_ports_and_senders() -> None:
    assert Server.parse("smtp://host").port == 587
    assert Server.parse("smtps://host").port == 465
    assert Mail.parse(TO, "smtp://user@host").sender == "person@example.org"
    assert Mail.parse(TO, "smtp://host", "from@example.org").sender == "from@example.org"
    assert "secret" not in repr(Mail.parse(TO, "smtp://me:secret@host"))

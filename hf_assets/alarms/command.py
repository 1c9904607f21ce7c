"""Alarms by a program: the text is its input."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass

from hf_assets.alarms.alarm import Alarm, AlarmError
from hf_assets.errors import clean
from hf_assets.process_groups import kill_group

# Seconds after which the program is killed.
SECONDS = 20.0
_PARTS = re.compile(r"[\s'\"]+")


@dataclass(frozen=True, repr=False)
class Command:
    """A program and its arguments. They may hold a token: only the program's name is shown."""

    words: tuple[str, ...]
    seconds: float = SECONDS

    @classmethod
    def parse(cls, line: str) -> "Command":
        """Split a command line as a shell does. AlarmError where there is no such program."""
        try:
            words = tuple(shlex.split(line))
        except ValueError as error:
            raise AlarmError(f"HF_ASSETS_ALARM is no command line ({clean(error)}).") from None
        if not words or shutil.which(words[0]) is None:
            # The first word may be an address that lacks its scheme.
            raise AlarmError(
                "HF_ASSETS_ALARM is no web address, no mailto: address, and no program on the PATH "
                "or executable file: set it to https://…, mailto:person@example.org, or a command."
            )
        return cls(words)

    @property
    def name(self) -> str:
        """The program."""
        return f"the command {clean(os.path.basename(self.words[0]))}"

    def _secrets(self) -> set[str]:
        """The arguments, and the words of one that is a command line itself, as of `sh -c`.

        A shorter word than a token is none, and hidden it would spoil the program's message.
        """
        words = {word for argument in self.words[1:] for word in _PARTS.split(argument)}
        return {word for word in (*self.words[1:], *words) if len(word) >= 8}

    def send(self, alarm: Alarm) -> str:
        """Run the program once. AlarmError where it fails or takes too long."""
        try:
            process = subprocess.Popen(
                self.words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise AlarmError(f"{self.name} did not start ({clean(error.strerror)}).") from None
        try:
            _, said = process.communicate(f"{alarm.text}\n".encode(), self.seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise AlarmError(
                f"{self.name} had not ended after {self.seconds:g} s, and was killed.",
                permanent=False,
            ) from None
        except BaseException:
            # In a session of its own, no Control-C of a terminal reaches it.
            _kill(process)
            raise
        if process.returncode:
            text = clean(said.decode("utf-8", "replace"), secrets=self._secrets())
            raise AlarmError(
                f"{self.name} failed with exit status {process.returncode}{text and f': {text}'}",
                permanent=False,
            )
        return ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    kill_group(process)
    process.communicate()

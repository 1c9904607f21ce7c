"""What goes wrong outside this program, in words for the person who can mend it."""


class InputError(RuntimeError):
    """A source, a file or a setting is not as it must be; the message says what to do.

    `permanent`: another try would end the same way.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent

"""The one exception that stands for a user's mistake."""


class InputError(Exception):
    """Bad input: one line that names the file or value and says how to mend it.

    Every ``kws`` command prints the message to standard error and ends with exit code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

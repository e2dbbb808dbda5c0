"""What a run of the report is: a profile, a data folder and parameters, and how they travel.

``kws report`` hands them to ``jupyter-book build`` through environment variables, so that a
build started without ``kws report`` makes the same report from the same variables.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from kwslib.errors import InputError

PROFILES = ("demo", "full")
"""``demo``: embedded speech, everything live. ``full``: real speech."""

DATA_VARIABLE = "KWS_DATA"
PROFILE_VARIABLE = "KWS_PROFILE"
PARAMETERS_VARIABLE = "KWS_PARAMETERS"
STARTED_VARIABLE = "KWS_STARTED"


def now() -> str:
    """The time as ISO 8601 in UTC, which sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Settings:
    """A run of the report.

    Attributes:
        profile: one of :data:`PROFILES`.
        data: absolute path of the data folder, or empty.
        parameters: ``{"training.epochs": "40"}``, as asked for.
        started: when the run began.
    """

    profile: str = "demo"
    data: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    started: str = field(default_factory=now)

    @classmethod
    def choose(
        cls, profile: str | None, data: str | None, parameters: Mapping[str, Any], **more: str
    ) -> "Settings":
        """Settings from what was asked for; a data folder alone means ``full``.

        Only ``full`` looks at ``KWS_DATA``.

        Raises:
            InputError: no such profile or folder, or a folder for ``demo``.
        """
        profile = profile or ("full" if data else "demo")
        if profile not in PROFILES:
            raise InputError(f"there is no profile {profile!r}; choose {' or '.join(PROFILES)}")
        if profile == "full":
            data = data or os.environ.get(DATA_VARIABLE)
        elif data:
            raise InputError(
                "profile demo uses embedded speech; leave out --data or take --profile full"
            )
        if data and not Path(data).is_dir():
            raise InputError(f"{data}: no such data folder; give the one that holds the archives")
        return cls(profile, str(Path(data).resolve()) if data else "", parameters, **more)

    @classmethod
    def from_environment(cls) -> "Settings":
        """Settings from the variables that :meth:`environment` sets, or the defaults."""
        text = os.environ.get(PARAMETERS_VARIABLE) or "{}"
        try:
            parameters = json.loads(text)
        except ValueError:
            parameters = None
        if not isinstance(parameters, dict):
            raise InputError(f'{PARAMETERS_VARIABLE} is {text!r}; write {{"training.epochs": 40}}')
        started = os.environ.get(STARTED_VARIABLE) or now()
        profile = os.environ.get(PROFILE_VARIABLE) or "demo"
        return cls.choose(profile, None, parameters, started=started)

    def environment(self) -> dict[str, str]:
        """The variables that make another process run the same report."""
        return {
            PROFILE_VARIABLE: self.profile,
            DATA_VARIABLE: self.data,
            PARAMETERS_VARIABLE: json.dumps(dict(self.parameters)),
            STARTED_VARIABLE: self.started,
        }

    def data_identity(self) -> str:
        """Hash of the data, empty without a folder."""
        return _identity(self.data) if self.data else ""

    @property
    def data_name(self) -> str:
        """What a page calls the data."""
        return name_of_data(self.profile, self.data)


@cache
def _identity(data: str) -> str:
    from kwslib.data.dataset import open_source

    return open_source(data).identity()


def name_of_data(profile: str, data: str) -> str:
    """What a page calls the data of a profile and a folder, which may be empty."""
    if data:
        return Path(data).name
    return "embedded speech" if profile == "demo" else "committed measurements"

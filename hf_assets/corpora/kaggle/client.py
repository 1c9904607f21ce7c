"""Kaggle's list of datasets, page by page, through its own package `kaggle`.

Handles credentials, retries and time-outs, and suppresses habits of the package that a program
cannot have: it prints, it exits, it knows no other server.
"""

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import io
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from hf_assets.errors import InputError, clean
from hf_assets.storage.lake import today
from hf_assets.transport import retry_after

SITE = "https://www.kaggle.com"
ENDPOINT = "https://api.kaggle.com"
PAGE_SIZE = 20  # Kaggle's own default
TRIES = 6
LONGEST_WAIT = 600.0  # seconds; what asks for more is an error, not a pause
MOST_BYTES = 64 << 20  # of an answer, unpacked: a page has some 100 kB
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_T = TypeVar("_T")


class KaggleError(InputError):
    """Kaggle could not be asked, or its tables not be read; the message says what can be done."""


class NoAccount(KaggleError):
    """No credentials were found on this machine; nothing was requested."""


class Page(NamedTuple):
    """One page of the list: kagglesdk's `ApiDataset` objects, and whether it promises another."""

    datasets: list[Any]
    more: bool


@dataclass
class DatasetClient:
    """Asks for pages of the list through the package `kaggle`.

    Args:
        endpoint: another server than Kaggle's, for tests and the demo.
        token: an access token; None for the credentials that `kaggle` finds itself
            (KAGGLE_API_TOKEN, ~/.kaggle/access_token, kaggle.json, `kaggle auth login`).
        connect_timeout, read_timeout: seconds.
        total_timeout: seconds for one answer as a whole.
        retry_wait: seconds before the first retry, then doubled.
        log: takes lines for the run log.
        sleep: waits that many seconds.
        today: the day it is now.
    """

    endpoint: str = ENDPOINT
    token: str | None = field(default=None, repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 300.0
    retry_wait: float = 1.0
    page_size: int = PAGE_SIZE
    log: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], str] = today

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint.rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise KaggleError("Kaggle's endpoint must begin with https://", permanent=True)
        if "@" in parts.netloc:
            raise KaggleError(
                "Kaggle's endpoint must hold no user or password: set KAGGLE_API_TOKEN instead",
                permanent=True,
            )

    def log_in(self) -> None:
        """Find the credentials, as the first page would.

        Raises:
            NoAccount: there are none.
            KaggleError: they are refused, or Kaggle did not answer.
        """
        _ = self._authorised

    def page(self, number: int, *, filled: bool = False) -> Page:
        """That page of the public datasets, the newest published first.

        Args:
            number: 1 for the first.
            filled: an empty page is a fault, and asked for again.

        Raises:
            KaggleError: trying again does not help.
        """

        api = self._authorised

        def ask() -> Page:
            answer = api.dataset_list_with_response(
                sort_by="published", page=number, page_size=self.page_size
            )
            if filled and not answer.datasets:
                raise ValueError("empty, though the list goes on")
            return Page(list(answer.datasets), bool(answer.next_page_token))

        return self._tried(f"page {number} of the datasets", ask, first=number == 1)

    @functools.cached_property
    def _api(self) -> Any:
        """The package's own object, which sends to the endpoint alone."""
        bounds = _Bounds((self.connect_timeout, self.read_timeout), self.total_timeout)
        return _api_class()(self.endpoint, bounds)

    @functools.cached_property
    def _authorised(self) -> Any:
        """The same, with credentials."""
        if self.token:
            self._api.config_values = {self._api.CONFIG_NAME_TOKEN: self.token}
        else:
            self._tried("the owner of the credentials", self._api.log_in, first=True)
        return self._api

    def _tried(self, what: str, ask: Callable[[], _T], *, first: bool) -> _T:
        problems: list[str] = []
        status, wait = None, self.retry_wait
        while len(problems) < TRIES:
            if problems:
                self.log(f"{what}: {problems[-1]}; again in {wait:.0f} s")
                self.sleep(wait)
            wait, status = self.retry_wait * 2 ** len(problems), None
            try:
                return ask()
            except requests.HTTPError as error:
                status = error.response.status_code if error.response is not None else None
                problems.append(f"HTTP {status}: {self._safe(error)}")
                if status in (400, 401, 403):
                    break
                asked = retry_after(error.response.headers) if error.response is not None else None
                wait = wait if asked is None else asked
                if wait > LONGEST_WAIT:
                    problems.append(f"it asks to wait for {wait:.0f} s")
                    break
            except requests.RequestException as error:
                problems.append(f"{type(error).__name__}: {self._safe(error)}")
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                problems.append(f"no answer of the list's form ({self._safe(error)})")
        advice = {
            400: "Kaggle refuses the question: another version of the package `kaggle` may help",
            401: "the credentials are refused: set a new KAGGLE_API_TOKEN",
            403: "the credentials do not allow it: set another KAGGLE_API_TOKEN",
            404: "there is no such list: check the endpoint" if first else "run again later",
        }.get(status or 0, "run again later")
        raise KaggleError(
            f"{what} could not be had from {self.endpoint}: "
            f"{'; '.join(dict.fromkeys(problems))}. {advice[0].upper()}{advice[1:]}.",
            permanent=status in (400, 401, 403) or (status == 404 and first),
        )

    def _safe(self, error: BaseException) -> str:
        """What an error says, shortened, on one line and without credentials."""
        return clean(error, 200, secrets=self._api.secrets)


class _Bounds(NamedTuple):
    """Seconds to connect and between two bytes, and for an answer as a whole."""

    timeout: tuple[float, float]
    total: float


class _Bounded(HTTPAdapter):
    """kagglesdk sends without a time-out and reads a body of any size."""

    def __init__(self, bounds: _Bounds) -> None:
        self._bounds = bounds
        super().__init__()

    def send(self, *args: Any, **options: Any) -> requests.Response:
        """The answer with its body, whole: KaggleError where that is too large."""
        ends = time.monotonic() + self._bounds.total
        response = super().send(*args, **{**options, "timeout": self._bounds.timeout})
        body = bytearray()
        for piece in response.iter_content(1 << 16):
            body += piece
            if len(body) > MOST_BYTES:
                response.close()
                raise KaggleError(
                    f"an answer has over {MOST_BYTES:,} bytes, unpacked: check the endpoint, and "
                    "what is before it.",
                    permanent=True,
                )
            if time.monotonic() > ends:
                response.close()
                raise requests.Timeout(f"not whole after {self._bounds.total:g} s")
        response._content = bytes(body)
        return response


@functools.cache
def _api_class() -> Any:
    """KaggleApi with an endpoint and time-outs of ours, that neither prints nor exits.

    `import kaggle` logs in on the spot: over the network, without a time-out, and where it cannot,
    it prints its help and calls exit(). So its module is loaded as a part of a bare package, and a
    later `import kaggle` by anyone else finds everything as usual.
    """
    spec = importlib.util.find_spec("kaggle")
    if spec is None:
        raise KaggleError("the package is missing: pip install kaggle", permanent=True)
    before = sys.modules.get("kaggle")
    if before is None:
        bare = importlib.util.module_from_spec(spec)
        vars(bare)["__version__"] = importlib.metadata.version("kaggle")
        sys.modules["kaggle"] = bare
    try:
        package = importlib.import_module("kaggle.api.kaggle_api_extended")
    except OSError as error:
        raise KaggleError(
            f"the package kaggle cannot make its folder ({error}): set KAGGLE_CONFIG_DIR to one "
            "that exists",
            permanent=True,
        ) from error
    finally:
        if before is None:
            del sys.modules["kaggle"]
    from kagglesdk import KaggleClient, KaggleEnv, get_access_token_from_env

    class Api(package.KaggleApi):
        def __init__(self, endpoint: str, bounds: _Bounds) -> None:
            super().__init__()
            self._endpoint, self._bounds = endpoint, bounds

        @property
        def secrets(self) -> list[str]:
            names = (self.CONFIG_NAME_TOKEN, self.CONFIG_NAME_KEY)
            held = {get_access_token_from_env()[0], *map(self.config_values.get, names)}
            return [secret for secret in held if secret]

        def log_in(self) -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                try:
                    self.authenticate()
                except SystemExit:
                    self._authenticate_anonymously()

        def _authenticate_anonymously(self) -> bool:
            # The last way it tries before it exits; its exit() closes standard input, too.
            found = bool(self.secrets)
            raise (KaggleError if found else NoAccount)(
                "Kaggle's list needs an account, and "
                f"{'the credentials found are refused' if found else 'no credentials were found'}. "
                "Make a token at https://www.kaggle.com/settings/api and set KAGGLE_API_TOKEN, or "
                "put kaggle.json into ~/.kaggle.",
                permanent=True,
            )

        def build_kaggle_client(self) -> KaggleClient:
            names = (self.CONFIG_NAME_USER, self.CONFIG_NAME_KEY, self.CONFIG_NAME_TOKEN)
            user, key, token = (self.config_values.get(name) for name in names)
            client = KaggleClient(
                env=KaggleEnv.PROD,
                user_agent="hf_assets",
                username=user,  # ty: ignore[invalid-argument-type]  # None by its own default
                password=key,  # ty: ignore[invalid-argument-type]
                api_token=token,  # ty: ignore[invalid-argument-type]
            )
            # kagglesdk takes the name of an environment, never an address, and makes its session
            # at the first call.
            http: Any = client.http_client()
            http._endpoint = self._endpoint
            http._init_session()
            for scheme in ("https://", "http://"):
                http._session.mount(scheme, _Bounded(self._bounds))
            return client

    return Api

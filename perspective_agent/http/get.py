"""The hops of one GET: each asks one URL, over a connection of its own."""

from mpic import __version__
from mpic.urls import Url, parse_url
from mpic.v1 import observation_pb2 as o
from perspective_agent.connect.dialer import Destination, Dialer, Dialing
from perspective_agent.http.exchange import Exchange
from perspective_agent.http.redirects import Next, find_next
from perspective_agent.http.reply import Wanted
from perspective_agent.http.target import HttpTarget

_NOTHING = o.Failure(kind=o.FAILURE_KIND_INTERNAL, detail="there is neither response nor failure")


class Get:
    """One GET in progress (`connect.shared_looks.Look`)."""

    def __init__(self, target: HttpTarget, dialer: Dialer, user_agent: str) -> None:
        """Ask for nothing yet; `run` does."""
        self._target = target
        self._dialer = dialer
        self._headers = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "User-Agent": user_agent,
        }
        self._asked: list[Url] = []
        self._finding = o.HttpFinding()
        self._dialing: Dialing | None = None
        self._exchange: Exchange | None = None
        """Both while a hop is open."""

    @property
    def is_queued(self) -> bool:
        """Whether our own load keeps it from going on."""
        return self._dialing is not None and self._dialing.is_queued

    async def run(self) -> o.HttpFinding:
        """Ask for the URL, and for those that it redirects to; return all hops."""
        following: Next = parse_url(self._target.url)
        while isinstance(following, Url):
            following = await self._ask(following)
        if following is not None:
            self._finding.hops.add(url=following.url, failure=following.failure)
        return self._finding

    def cut_short(self, since: float, seconds: float) -> o.HttpFinding:
        """Return the hops so far; the open one has failed by a deadline (`Dialing.cut_short`)."""
        finding = o.HttpFinding()
        finding.CopyFrom(self._finding)
        if self._dialing is not None and self._exchange is not None:
            cut = self._dialing.cut_short(since, seconds)
            hop = finding.hops.add(
                url=str(self._asked[-1]), connection=cut.connection, failure=cut.failure
            )
            hop.connection.tls_version = self._exchange.tls_version
        elif not finding.hops:
            late = o.Failure(kind=o.FAILURE_KIND_TIMEOUT, detail=f"not begun within {seconds:g} s")
            finding.hops.add(url=self._target.url, failure=self._dialer.blame(late, since))
        return finding

    def fail(self, failure: o.Failure) -> o.HttpFinding:
        """Return the finding of a GET that ended in this failure."""
        return o.HttpFinding(hops=[o.HttpHop(url=self._target.url, failure=failure)])

    async def _ask(self, url: Url) -> Next:
        """Ask for one URL; return what follows."""
        self._asked.append(url)
        rules = self._target.rules
        exchange = self._exchange = Exchange(
            url, Wanted(self._target.body_octets, rules.statuses), self._headers
        )
        dialing = self._dialing = self._dialer.begin(Destination(url.host, url.port))
        failure = await dialing.run(exchange)
        self._dialing = self._exchange = None
        hop = self._finding.hops.add(url=str(url), connection=dialing.connection)
        hop.connection.tls_version = exchange.tls_version
        reply = exchange.reply
        if reply is None:
            hop.failure.CopyFrom(failure or _NOTHING)
            return None
        hop.response.CopyFrom(reply.read())
        return find_next(self._asked, hop.response.status, reply.locations, rules)


def make_user_agent(contact_url: str) -> str:
    """Return the field User-Agent: the same for every perspective."""
    comment = f" (+{contact_url})" if contact_url else ""
    return f"mpic/{__version__}{comment}"

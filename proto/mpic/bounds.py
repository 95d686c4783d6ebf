"""How large messages may be: what both programs must agree on. See deploy/operation.md.

An honest agent stays within these bounds, whatever a domain's servers send. An answer of theirs has
64 KiB at most. What could be more (the aliases of a hundred levels, many large sets) the agent
itself calls a failure. A coordinator takes anything beyond for garbage.
"""

MAX_NAMES = 100
"""Of one request."""

MAX_REQUEST_ID = 128
"""Characters of a request's id."""

OBSERVATION_OCTETS = 256 * 1024
"""For one name: the largest CAA and A sets that a DNS message can hold, a walk, and 96 KiB for all
else. Older coordinators take 160 KiB. They ask for CAA and addresses alone, which fit into it."""

FINDING_OCTETS = 96 * 1024
"""For one check: the largest set, and 32 KiB for the levels below it and their aliases."""

LOOKUPS = 512
"""For one name, the lookups with a time: three for each of 127 levels, and 131 for all else."""

DETAIL_OCTETS = 4096
"""Of a sentence that says why; more is cut."""

RECORDS = 5461
"""Records of one set: as many as a DNS message of 64 KiB can hold, each of 12 octets or more."""

ALIASES = 64
"""Aliases of one lookup; agents follow fewer."""

HOPS = 12
"""Requests of one HTTP GET: the first, ten redirects, and one that was not followed."""

DIALED = 8
"""Addresses that were dialled for one connection; agents dial one of each family."""

SERVER_REPLIES = 64
"""Replies of servers that were asked directly for one lookup; agents ask fewer."""

BATCH_OCTETS = 1024 * 1024
"""The items of one message. It is sent when it has this many; the last item may go beyond."""

REQUEST_OCTETS = 2 * 1024 * 1024
"""One message to a coordinator: twenty questions at all their bounds, or ten thousand short
ones."""

QUESTIONS_OCTETS = 8 * 1024 * 1024
"""One message to an agent. Coordinators older than these bounds send all that waits: 5.5 MiB."""

MESSAGE_OCTETS = 4 * 1024 * 1024 + 512 * 1024
"""One message to a client. Agents older than these bounds send 4 MiB and the last item."""

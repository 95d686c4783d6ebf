"""The configuration files of a deployment, as texts to fill in."""

TLS = """
[tls]
certificate = "{pair}.pem"
private_key = "{pair}.key"
authority = "{pki}/ca.pem"
"""

AGENT = """
[agent]
id = "{id}"
rir = "{rir}"
listen = "{listen}"
workers = {workers}
lookup_timeout = {lookup_timeout}
max_open_questions = {max_open_questions}

[callers]
allowed = ["spiffe://mpic.test/coordinator/main"]

[admin]
listen = "{admin}"
"""

LAB_RESOLVER = """
[resolver]
outgoing_address = "{source}"
trust_anchor_file = "{anchor}"
root_hints_file = "{hints}"
ipv6 = false
cache_max_ttl = {cache_max_ttl}
cache_max_negative_ttl = {cache_max_ttl}
lab_allow_special_purpose_servers = true
probe_interval = {probe_interval}
restart_hung_after = {restart_hung_after}
probe_timeout = 2

[connect]
outgoing_addresses = ["{source}", "{source6}"]
lab_allow_special_purpose_addresses = true
"""

COORDINATOR = """
[coordinator]
listen = "{listen}"
workers = {workers}
lookup_timeout = {lookup_timeout}
network_allowance = {allowance}
restart_patience = {restart_patience}

[callers]
allowed = ["spiffe://mpic.test/caller/pipeline"]

[admin]
listen = "{admin}"

[issuer.example]
domains = ["{issuer}"]
"""

RECORD = """
[record]
path = "{path}"
repeat_window = {repeat_window}
"""

RECORD_IN_DATABASE = """
[record]
store = "postgresql"
dsn = "{dsn}"
database_timeout = 5.0
repeat_window = {repeat_window}
"""

UNRECORDED = """
[record]
allow_unrecorded = true
"""

PERSPECTIVE = """
[[perspective]]
id = "{id}"
role = "{role}"
address = "{address}"
workers = {workers}
server_name = "{id}.perspective.mpic.test"
rir = "{rir}"
egress = {{ latitude = {latitude}, longitude = {longitude} }}
resolver = {{ latitude = {latitude}, longitude = {longitude} }}
"""

"""Open MPIC itself, as `open_mpic.py` starts it in an environment of its own.

    PYTHON open_mpic_theirs.py checker PORT RESOLVER_PORT
    PYTHON open_mpic_theirs.py coordinator PORT CHECKER_PORT...
    PYTHON open_mpic_theirs.py asks URL TOKEN CA NAME FORBIDDEN ISSUER

`checker` is one perspective: its CAA and DCV checkers, through one resolver. `coordinator` asks all
of them. Both are open-mpic-core under FastAPI and uvicorn, as in its containers. `asks` sends what
its models make to a service, and reads the answers by its models. It prints a line for each.
"""

# ruff: noqa: ANN401, PLC0415
# mypy: ignore-errors

import json
import sys
from typing import Any

REGIONS = ("RIPE NCC", "ARIN", "LACNIC", "AFRINIC", "APNIC")


def serve_checker(port: int, resolver_port: int) -> None:
    from fastapi import FastAPI
    from open_mpic_core import CaaCheckRequest, DcvCheckRequest, MpicCaaChecker, MpicDcvChecker

    caa, dcv = MpicCaaChecker(["ca.example.test"]), MpicDcvChecker()
    for checker in (caa, dcv):
        checker.resolver.nameservers, checker.resolver.port = ["127.0.0.1"], resolver_port
    app = FastAPI()

    @app.post("/caa")
    async def check_caa(request: CaaCheckRequest) -> Any:
        return await caa.check_caa(request)

    @app.post("/dcv")
    async def check_dcv(request: DcvCheckRequest) -> Any:
        return await dcv.check_dcv(request)

    run(app, port)


def serve_coordinator(port: int, checkers: list[int]) -> None:
    import aiohttp
    from fastapi import FastAPI
    from open_mpic_core import (
        CheckResponse,
        MpicCoordinator,
        MpicCoordinatorConfiguration,
        MpicRequest,
        RemotePerspective,
    )
    from pydantic import TypeAdapter

    perspectives = [
        RemotePerspective(code=f"p{checker}", rir=region)
        for checker, region in zip(checkers, REGIONS, strict=True)
    ]
    adapter, sessions = TypeAdapter(CheckResponse), []

    async def call(perspective: Any, check_type: Any, request: Any) -> Any:
        if not sessions:
            sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        url = f"http://127.0.0.1:{perspective.code[1:]}/{check_type.value}"
        async with sessions[0].post(url, json=request.model_dump()) as response:
            return adapter.validate_json(await response.text())

    configuration = MpicCoordinatorConfiguration(perspectives, len(perspectives), 3, "secret")
    coordinator = MpicCoordinator(call, configuration)
    app = FastAPI()

    @app.post("/mpic")
    async def ask(request: MpicRequest) -> Any:
        return await coordinator.coordinate_mpic(request)

    run(app, port)


def run(app: Any, port: int) -> None:
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def make_requests(name: str, forbidden: str, issuer: str) -> Any:
    """Yield what is asked, what `is_valid` has to be (None: 400), and the type of an issue."""
    yield from make_caa_requests(name, forbidden, issuer)
    yield from make_dcv_requests(name, issuer)


def make_caa_requests(name: str, forbidden: str, issuer: str) -> Any:
    import open_mpic_core as core

    def caa(target: str, count: int | None = None, quorum: int | None = None) -> Any:
        orchestration = core.MpicRequestOrchestrationParameters(
            perspective_count=count, quorum_count=quorum
        )
        return core.MpicCaaRequest(
            domain_or_ip_target=target,
            trace_identifier="trace-1",
            orchestration_parameters=orchestration if count or quorum else None,
            caa_check_parameters=core.CaaCheckParameters(
                certificate_type=core.CertificateType.TLS_SERVER, caa_domains=[issuer]
            ),
        )

    kinds = core.MpicRequestValidationMessages
    yield caa(name), True, ""
    yield caa(f"*.{name}"), True, ""
    yield caa(forbidden), False, ""
    yield caa(name, 2, 2), True, ""
    yield caa(name, 3, 2), True, ""
    yield caa(forbidden, 2, 1), False, ""
    yield caa(name, 3, 5), None, kinds.INVALID_QUORUM_COUNT.key
    yield caa(name, 1, 1), None, kinds.INVALID_PERSPECTIVE_COUNT.key


def make_dcv_requests(name: str, issuer: str) -> Any:
    """Yield a request by each method; nobody has proved anything, so none is valid."""
    import open_mpic_core as core

    for method, parameters in make_parameters(issuer):
        asked = {"validation_method": method, **parameters}
        yield (
            core.MpicDcvRequest(domain_or_ip_target=name, dcv_check_parameters=asked),
            False,
            "",
        )
    empty = {"challenge_value": "", "http_token_path": "a.txt"}
    asked = {"validation_method": "website-change", **empty}
    request = core.MpicDcvRequest(domain_or_ip_target=name, dcv_check_parameters=asked)
    yield request, None, core.MpicRequestValidationMessages.EMPTY_CHALLENGE_VALUE.key


def make_parameters(issuer: str) -> Any:
    value = "5f0c2a9d7b3e41f6a8d0c7"
    token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"  # noqa: S105 - RFC 8555
    yield "acme-dns-01", {"key_authorization_hash": "A" * 43}
    yield "acme-tls-alpn-01", {"key_authorization_hash": "0f" * 32}
    yield "acme-http-01", {"token": token, "key_authorization": f"{token}.{'A' * 43}"}
    for kind in ("TXT", "CNAME", "CAA"):
        change = {"challenge_value": value, "dns_record_type": kind, "dns_name_prefix": "_x"}
        yield "dns-change", change
    yield "website-change", {"challenge_value": value, "http_token_path": "a.txt"}
    for method in ("contact-email-txt", "contact-email-caa"):
        yield method, {"challenge_value": "a@b.example"}
    for method in ("contact-phone-txt", "contact-phone-caa"):
        yield method, {"challenge_value": "+81-3-1"}
    account = {"issuer_domain_names": [issuer], "expected_account_uri": "https://a.example/1"}
    yield "dns-persistent", account


def ask_all(url: str, token: str, authority: str, *about: str) -> None:
    import requests
    from open_mpic_core import MpicResponse
    from pydantic import TypeAdapter

    adapter, wrong = TypeAdapter(MpicResponse), 0
    for request, expected, kind in make_requests(*about):
        body = request.model_dump_json()
        headers = {"content-type": "application/json", "x-api-key": token}
        response = requests.post(url, data=body, headers=headers, verify=authority, timeout=60)
        if expected is None:
            issues = response.json()["validation_issues"]
            good = response.status_code == 400 and kind in {one["issue_type"] for one in issues}
            came = f"{response.status_code} {issues[0]['issue_type']}"
        else:
            good, came = judge(adapter, request, response, expected)
        wrong += not good
        parameters = getattr(request, "dcv_check_parameters", None)
        what = parameters.validation_method.value if parameters else request.domain_or_ip_target
        print(f"{'as theirs' if good else 'OTHERWISE':10} {what:40} {came}", flush=True)
    sys.exit(bool(wrong))


def judge(adapter: Any, request: Any, response: Any, expected: bool) -> tuple[bool, str]:
    """Whether their models read the answer, and would write the very same JSON."""
    if response.status_code != 200:
        return False, f"{response.status_code} {response.text[:300]}"
    read = adapter.validate_json(response.text)
    again = json.dumps(read.model_dump(mode="json"))
    asked = request.orchestration_parameters
    count = asked.perspective_count if asked else None
    good = (
        again == json.dumps(response.json())
        and read.is_valid is expected
        and (read.mpic_completed or not expected)  # nobody serves the name
        and (count is None or len(read.perspectives) == count)
        and read.request_orchestration_parameters == asked
    )
    return good, f"200 is_valid={read.is_valid} of {len(read.perspectives)}"


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "asks":
        ask_all(*arguments)
    elif role == "checker":
        serve_checker(*map(int, arguments))
    else:
        serve_coordinator(int(arguments[0]), list(map(int, arguments[1:])))

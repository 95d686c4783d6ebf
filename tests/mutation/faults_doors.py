"""Faults in who is let in, in what errors tell, and in how a server begins and ends."""

from tests.mutation.fault import Fault

ACCEPTORS = "proto/mpic/runtime/grpc/acceptors.py"
ERRORS = "proto/mpic/runtime/grpc/errors.py"
IDENTITY = "proto/mpic/runtime/grpc/identity.py"
HANDLERS = "proto/mpic/runtime/grpc/handlers.py"
SERVING = "proto/mpic/runtime/grpc/serving.py"
CHANNEL = "proto/mpic/channel.py"
TLS = "proto/mpic/runtime/grpc/tls.py"

FAULTS = [
    # Who calls.
    Fault("who is not on the list is let in", IDENTITY, "            if not identities:\n", "            if False:\n"),
    Fault("who is not on the list is let in where many are taken up", IDENTITY, "return None if self.identify(service, context) else self._refuse(service, context)", "return None"),
    Fault("the text of a name is taken for one of another kind", IDENTITY, 'uris if ":" in one)', "uris)"),
    Fault("a name that goes on behind a NUL is taken for one that ends", IDENTITY, "return bytes((tag,)) + length + name in der", "return True"),
    Fault("a stranger's stream goes on when the list changes", IDENTITY, "            if not self._allowed_of(caller.service).issuperset(caller.identities):", "            if False:"),
    Fault("every stream ends when the list changes", IDENTITY, "            if not self._allowed_of(caller.service).issuperset(caller.identities):", "            if True:"),
    Fault("who leaves the list is told nothing", IDENTITY, "            if task not in self._closed:", "            if True:"),
    Fault("everybody is on the list of callers", IDENTITY, "        return [one for one in peer_identities(context) if one in allowed]", "        return peer_identities(context)"),
    Fault("nobody is on the list of callers", IDENTITY, "        return [one for one in peer_identities(context) if one in allowed]", "        return []"),
    Fault("the list of another service lets in", IDENTITY, "return self._allowed.get(service, frozenset())", "return frozenset().union(*self._allowed.values())"),
    Fault("a caller is known by its first name, on the list or not", IDENTITY, "        return [one for one in peer_identities(context) if one in allowed]", "        return peer_identities(context) if not allowed.isdisjoint(peer_identities(context)) else []"),
    Fault("a DNS name that reads like a URI is one", IDENTITY, 'names if ":" not in one)', "names)"),
    Fault("a name that goes on behind a NUL is its beginning", IDENTITY, "    return bytes((tag,)) + length + name in der", "    return name in der"),
    Fault("a URI is looked for as a DNS name", IDENTITY, "_URI, _DNS = 0x86, 0x82", "_URI, _DNS = 0x82, 0x86"),
    Fault("who is taken off the list goes on over his stream", IDENTITY, "                self._closed.add(task)\n                task.cancel()", "                pass"),
    Fault("a caller that cancels its stream was refused", IDENTITY, "            if task not in self._closed:\n                raise\n", ""),
    Fault("streams that have ended are kept", IDENTITY, "            self._streams.pop(task, None)\n", ""),
    Fault("a new list is not in force", IDENTITY, "        self._allowed = allowed\n        for task", "        for task"),
    # What is told of what went wrong.
    Fault("what went wrong inside is told the caller", ERRORS, '"INTERNAL", "internal error; nothing was decided"', '"INTERNAL", str(error)'),
    Fault("what went wrong inside is nowhere in the log", ERRORS, '        log.error("internal_error", exc_info=error)\n', ""),
    Fault("when to ask again is not told", ERRORS, "    if error.retry_after is not None:", "    if False:"),
    Fault("when to ask again is told in seconds", ERRORS, "round(error.retry_after * 1000)", "round(error.retry_after)"),
    Fault("which field is wrong is not told", ERRORS, "    if error.violations:", "    if False:"),
    Fault("as many fields are told as there are", ERRORS, "        if octets > _VIOLATIONS:", "        if False:"),
    Fault("how many more fields are wrong is not told", ERRORS, "            return [*violations[:count], more]", "            return violations[:count]"),
    Fault("a message of any length", ERRORS, "        self.message = shorten(self.message, _MESSAGE)\n", "        pass\n"),
    Fault("a field of any length", ERRORS, '        object.__setattr__(self, "field", shorten(self.field, _FIELD))\n', ""),
    Fault("a description of any length", ERRORS, '        object.__setattr__(self, "description", shorten(self.description, _DESCRIPTION))\n', ""),
    Fault("the reason is not told", ERRORS, "error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)", "error_details_pb2.ErrorInfo(domain=DOMAIN)"),
    Fault("details are not sent", ERRORS, "await context.abort(error.status, error.message, trailing_metadata=(trailer,))", "del trailer\n    await context.abort(error.status, error.message)"),
    Fault("who asks one that stops does not ask another", ERRORS, 'grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN"', 'grpc.StatusCode.FAILED_PRECONDITION, "SHUTTING_DOWN"'),
    Fault("a wrong request is the server's failure", ERRORS, 'grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"', 'grpc.StatusCode.INTERNAL, "INVALID_REQUEST"'),
    # The connection.
    Fault("clients need no certificate", TLS, "            require_client_authentication=True,", "            require_client_authentication=False,"),
    Fault("an agent of tests lets in who has no certificate", TLS, "authority, require_client_auth=True", "authority, require_client_auth=False", ("tests/unit/mpic/runtime/grpc/test_tls.py::test_a_server_demands_a_certificate",)),
    Fault("a renewed certificate is not shown", TLS, "        self._next = _configuration(files)\n", "        _configuration(files)\n"),
    Fault("a client shows no certificate", CHANNEL, "grpc.ssl_channel_credentials(authority, private_key, certificate)", "grpc.ssl_channel_credentials(authority)"),
    Fault("a client believes any authority of the system", CHANNEL, "grpc.ssl_channel_credentials(authority, private_key, certificate)", "grpc.ssl_channel_credentials(None, private_key, certificate)"),
    Fault("TLS 1.2 is not noticed", TLS, "            return connection.recv(1) == _SERVER_HELLO", "            return False"),
    Fault("TLS 1.2 is seen where none is", TLS, "            return connection.recv(1) == _SERVER_HELLO", "            return connection.recv(1) != b''"),
    Fault("gRPC that was loaded too early is used", CHANNEL, "    if not mpic.TLS_1_3_ONLY:", "    if False:"),
    # A server's life.
    Fault("a service is not behind the gate", SERVING, "self._count(service, name, self._gate.wrap(service, handler))", "self._count(service, name, handler)"),
    Fault("a service is not counted", SERVING, "return self.meter.wrap(service, name, map_errors(handler))", "return map_errors(handler)"),
    Fault("who is a stranger is let in where many are taken up at a time", SERVING, "            partial(self._gate.find_refusal, service),", "            lambda _: None,"),
    Fault("what many calls are of is taken up like others", SERVING, "        self._acceptors.append(Acceptors(self._grpc, method, wrapped[busiest], reception))", "        pass"),
    Fault("who serves already is starting", SERVING, "        self._started = True\n", ""),
    Fault("who starts serves already", SERVING, '        return "" if self._started else "it is starting"', '        return ""'),
    Fault("who stops serves on", SERVING, "        if self.stopping:\n            return", "        if False:\n            return"),
    Fault("a signal ends nothing", SERVING, "(signal.SIGTERM, signal.SIGINT)", "(signal.SIGINT,)"),
    Fault("streams are not told that it ends", SERVING, "        drain()\n", ""),
    Fault("what runs is cut off", SERVING, "await self._grpc.stop(grace)", "await self._grpc.stop(0)"),
    Fault("what runs is waited for whatever it takes", SERVING, "await self._grpc.stop(grace)", "await self._grpc.stop(None if grace else 0)"),
    Fault("health says that all is well when it ends", SERVING, "        await self._health.enter_graceful_shutdown()\n", ""),
    Fault("health is always well", SERVING, "value = status.SERVING if serving else status.NOT_SERVING", "value = status.SERVING"),
    Fault("health cannot be watched", HANDLERS, "    elif iscoroutinefunction(inner):", "    elif False:"),
    Fault("health is known of nothing by name", SERVING, 'for service in ("", *self._services):', 'for service in ("",):'),
    Fault("a certificate that is adopted is not shown", SERVING, "        self._identity.adopt(tls)\n", ""),
    Fault("a server that speaks TLS 1.2 serves", SERVING, "        if accepted:\n", "        if False:\n"),
    Fault("a missing certificate ends in a trace", SERVING, "        except OSError as error:\n            raise ServingError", "        except KeyError as error:\n            raise ServingError"),
    Fault("a port that is taken ends in a trace", SERVING, "        except RuntimeError as error:", "        except KeyError as error:"),
    # Taking up calls.
    Fault("calls are taken up one by one", ACCEPTORS, "_AT_A_TIME = 256", "_AT_A_TIME = 1"),
    Fault("a grpcio that lacks a part has all", ACCEPTORS, "    except (AttributeError, TypeError, ValueError) as error:\n        return str(error)", "    except (AttributeError, TypeError, ValueError):\n        pass"),
    Fault("how a part is called is not looked at", ACCEPTORS, "            if found != parameters:", "            if False:"),
    Fault("what is to be caught need be no exception", ACCEPTORS, "            if not issubclass(error, Exception):", "            if False:"),
    Fault("whether a call can be looked at is not looked at", ACCEPTORS, "        cygrpc._ServicerContext(cygrpc.RPCState(core), None, None, loop)  # noqa: SLF001\n    except", "        del loop\n    except"),
    Fault("grpcio lacks something always", SERVING, "        self.lacking = find_lacking(self._grpc)", '        self.lacking = find_lacking(self._grpc) or "all"'),
    Fault("what grpcio lacks is used", SERVING, "        if self.lacking:\n            log", "        if False:\n            log"),
    Fault("a doctor passes over what grpcio lacks", "proto/mpic/runtime/doctor/grpcio.py", "    if lacking:", "    if False:"),
    Fault("calls are always said to be taken up together", "coordinator/telemetry/collectors.py", "value=not self._lacking", "value=1"),
    Fault("nobody is turned away", ACCEPTORS, "        if error is None:\n            work", "        if True:\n            work"),
    Fault("everybody is turned away", ACCEPTORS, "        if error is None:\n            work", "        if error is False:\n            work"),
    Fault("an error at the door lets in", ACCEPTORS, "        except Exception as error:  # noqa: BLE001 - this call must end, and others be taken up\n            return error", "        except Exception:  # noqa: BLE001 - this call must end, and others be taken up\n            return None"),
    Fault("an error at the door ends the door", ACCEPTORS, "        try:\n            return self._reception.find_refusal(context)\n        except Exception as error:  # noqa: BLE001 - this call must end, and others be taken up\n            return error", "        return self._reception.find_refusal(context)"),
    Fault("a caller that is gone ends the door", ACCEPTORS, "        except (aio.AbortError, cygrpc.ExecuteBatchError) as ended:", "        except aio.AbortError as ended:"),
    Fault("the server ends before its door", ACCEPTORS, "        if self._tasks:\n            await asyncio.wait(self._tasks)", "        pass"),
]  # fmt: skip

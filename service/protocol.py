"""uvicorn's HTTP/1.1, taught to refuse what is no HTTP as everything else is refused."""

from __future__ import annotations

import logging
import uuid

import h11
from fastapi import Request
from structlog.contextvars import bound_contextvars
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.problems import answer_problem
from service.request_errors import RequestMalformed

logger = logging.getLogger(__name__)

UNANSWERED = frozenset({h11.IDLE, h11.SEND_RESPONSE})
"""States of a connection in which an answer may still begin."""


class CarefulProtocol(H11Protocol):
    """A connection that answers with a problem, which has a request id, when it is sent no HTTP."""

    def send_400_response(self, msg: str) -> None:
        """Refuse, and close; who is answered already, and goes on with nonsense, is told nothing more."""
        request_id = uuid.uuid4().hex
        with bound_contextvars(request_id=request_id):
            logger.info("what came is not HTTP")
        if self.conn.our_state in UNANSWERED:
            scope = {"type": "http", "headers": [], "state": {"request_id": request_id}}
            answer = answer_problem(Request(scope), RequestMalformed())
            head = h11.Response(
                status_code=answer.status_code, headers=[*answer.raw_headers, (b"connection", b"close")]
            )
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

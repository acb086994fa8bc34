# SPDX-License-Identifier: Apache-2.0
"""Problem: what was asked cannot be answered; says why in stable codes.

Do not change the codes. Once given, they are given: programs go by them.
"""

from kvm_insight import exception

BAD_QUERY = 'insight.query_invalid'
BAD_BODY = 'insight.body_invalid'
BAD_MARKER = 'insight.marker_unknown'
BAD_TYPE = 'insight.media_type_unsupported'
BAD_REQUEST = 'insight.request_invalid'
UNKNOWN = 'insight.not_found'
UNAUTHENTICATED = 'insight.unauthenticated'
FORBIDDEN = 'insight.forbidden'
NO_METHOD = 'insight.method_not_allowed'
NOT_ACCEPTABLE = 'insight.not_acceptable'
BAD_VERSION = 'insight.version_unsupported'
CONFLICT = 'insight.conflict'
CHANGED = 'insight.precondition_failed'
TOO_LARGE = 'insight.body_too_large'
CROSS_SITE = 'insight.cross_site'
BROKEN = 'insight.internal_error'
UNAVAILABLE = 'insight.unavailable'

_TITLES = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    405: 'Method Not Allowed',
    406: 'Not Acceptable',
    408: 'Request Timeout',
    409: 'Conflict',
    412: 'Precondition Failed',
    413: 'Content Too Large',
    415: 'Unsupported Media Type',
    500: 'Internal Server Error',
    503: 'Service Unavailable',
}


class Problem(exception.ApiError):
    """The answer is this status, code and detail."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Say it in words that name nothing the asker may not know."""
        super().__init__(f'{status} {code}: {detail}')
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}

    @property
    def title(self) -> str:
        """Return what HTTP calls the status."""
        return title(self.status)


def title(status: int) -> str:
    """Return what HTTP calls it."""
    return _TITLES.get(status, 'Error')


def unknown() -> Problem:
    """Return the same for what is not there and what is another's."""
    return Problem(404, UNKNOWN, 'There is no such thing here.')


def forbidden() -> Problem:
    """Return the answer to those who may not."""
    return Problem(403, FORBIDDEN, 'The policy does not allow this.')


def bad_query(why: str) -> Problem:
    """Return the answer to a query that cannot be read."""
    return Problem(400, BAD_QUERY, why)

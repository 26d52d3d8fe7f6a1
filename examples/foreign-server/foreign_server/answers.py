"""HTTP answers that are no upgrade."""

from .writing import to_json

STATUS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 426: "Upgrade Required",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class Answer(Exception):
    """An HTTP answer in place of the upgrade."""

    def __init__(self, status, body, **headers):
        super().__init__(status)
        self.status, self.body = status, body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def to_bytes(self):
        body = to_json(self.body)
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {STATUS[self.status]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status, name, message, **headers):
    return Answer(status, {"error": name, "message": message}, **headers)


def unauthorized(error):
    return refusal(401, error.name, error.message, WWW_Authenticate='Bearer realm="heddle"')

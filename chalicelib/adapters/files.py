"""Files in S3: each written once, and never changed."""

import time
from urllib.parse import quote

import urllib3

from chalicelib.aws import PAUSES, Aws, AwsSilent, AwsUnreachable
from chalicelib.crm.files import FilesAway


class S3Files:
    """Thread-safe, as its service is."""

    def __init__(self, s3: Aws, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def keep(self, name: str, data: bytes, media_type: str) -> bytes:
        """The first to write a name wins: S3 refuses a second (`If-None-Match`), and what the first wrote is read."""
        answer = self._ask("PUT", name, data, {"content-type": media_type, "if-none-match": "*"})
        if answer.status < 300:
            return data
        if (kept := self.read(name)) is None:
            raise FilesAway(f"The store of files kept nothing: S3 answered {answer.status}")
        return kept

    def read(self, name: str) -> bytes | None:
        """None where nothing is kept under the name."""
        answer = self._ask("GET", name, b"", {})
        if answer.status != 404:
            return answer.data
        if b"NoSuchBucket" in answer.data:
            raise FilesAway("The store of files cannot be reached: its bucket is not there")
        return None

    def _ask(self, method: str, name: str, data: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        path, detail = quote(f"/{self._bucket}/{name}"), ""
        for pause in (*PAUSES, None):
            try:
                answer = self._s3.request(method, path, data, headers)
            except (AwsUnreachable, AwsSilent) as error:
                detail = str(error)
            else:
                if answer.status < 300 or answer.status in (404, 412):
                    return answer
                detail = f"S3 answered {answer.status}"
                # 409: another is writing the same name just now; once it has, S3 says so.
                if answer.status < 500 and answer.status != 409:
                    break
            if pause:
                time.sleep(pause)
        raise FilesAway(f"The store of files cannot be reached: {detail}")

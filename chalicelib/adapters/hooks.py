"""Webhooks posted to addresses that strangers named."""

from chalicelib.crm.hooks import Answered


class GuardedHooks:
    """Nothing is posted anywhere yet."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answered:
        """An answer that never came."""
        return Answered(status=0, said=f"Not posted: {url}, {len(body)} bytes, {len(headers)} headers")

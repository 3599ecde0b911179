"""The replaced system: FastAPI, HTTPBearer and python-jose.

It is written the way demos of this kind are: the issuer's key set is fetched for
each request, and the audience is not checked. Two more ways to come by the keys
show how much of the cost that is. SEED_KEYS selects one of the three.
"""

import os
import time
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jose import JWTError, jwk, jwt

ISSUER = os.environ["SEED_ISSUER"]
KEY_SET_URL = os.environ["SEED_KEY_SET_URL"]
KEY_SET_LIFETIME = 300.0  # seconds that cached keys are used for


async def fetch(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    response = await client.get(KEY_SET_URL)
    response.raise_for_status()
    keys: list[dict[str, Any]] = response.json()["keys"]
    return keys


def pick(keys: list[dict[str, Any]], kid: str | None) -> dict[str, Any] | None:
    for key in keys:
        if key["kid"] == kid:
            return key
    return None


class NewClient:
    """As described: a client and a fetch for each request."""

    async def find(self, kid: str | None) -> Any:
        async with httpx.AsyncClient() as client:
            return pick(await fetch(client), kid)


class SharedClient:
    """One client, which keeps its connections; still a fetch for each request."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient()

    async def find(self, kid: str | None) -> Any:
        return pick(await fetch(self.client), kid)


class CachedKeys:
    """A fetch in five minutes. The keys are parsed then, and not for each request."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient()
        self.keys: dict[str | None, Any] = {}
        self.fetched_at = float("-inf")

    async def find(self, kid: str | None) -> Any:
        if time.monotonic() - self.fetched_at > KEY_SET_LIFETIME:
            keys = await fetch(self.client)
            self.keys = {key["kid"]: jwk.construct(key) for key in keys}
            self.fetched_at = time.monotonic()
        return self.keys.get(kid)


WAYS: dict[str, type[NewClient | SharedClient | CachedKeys]] = {
    "new-client": NewClient,
    "shared-client": SharedClient,
    "cached": CachedKeys,
}

issuer_keys = WAYS[os.environ["SEED_KEYS"]]()
bearer = HTTPBearer()
app = FastAPI()


async def verify_token(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
) -> dict[str, Any]:
    token = credentials.credentials
    try:
        key = await issuer_keys.find(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise JWTError("unknown key")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            issuer=ISSUER,
            options={"verify_aud": False},
        )
        return claims
    except JWTError as error:
        raise HTTPException(
            status_code=status.HTTP_401_UNAUTHORIZED,
            detail="Could not validate credentials",
            headers={"WWW-Authenticate": "Bearer"},
        ) from error


@app.get("/me")
async def me(
    claims: Annotated[dict[str, Any], Depends(verify_token)],
) -> dict[str, Any]:
    return {
        "issuer": claims.get("iss"),
        "subject": claims.get("sub"),
        "preferred_username": claims.get("preferred_username"),
        "client": claims.get("azp"),
        "audience": claims.get("aud"),
        "scopes": claims.get("scope", "").split(),
        "expires_at": claims.get("exp"),
    }

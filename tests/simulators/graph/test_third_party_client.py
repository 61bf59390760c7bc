"""Microsoft's own client runs against the simulator: PyPI's msgraph-sdk, unchanged but for its base address."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.simulators.graph.running import IMMUTABLE, Running
from tests.support.needs import missing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        missing("the package `msgraph-sdk`", "pip install msgraph-sdk==1.65.0")


def asked(graph: Running, work: Callable[[Any], Awaitable[None]]) -> None:
    """Does the work with the client's builder of requests about users."""
    authentication = _module("kiota_abstractions.authentication")
    adapters = _module("msgraph.graph_request_adapter")
    builders = _module("msgraph.generated.users.users_request_builder")
    # What the client of everything does before it imports all there is, which takes seconds.
    _module("kiota_abstractions.api_client_builder").register_default_deserializer(
        _module("kiota_serialization_json.json_parse_node_factory").JsonParseNodeFactory
    )

    class Given(authentication.AccessTokenProvider):  # type: ignore[misc]
        async def get_authorization_token(self, uri: str, context: Any = None) -> str:
            return graph.tokens["backup"]

        def get_allowed_hosts_validator(self) -> Any:
            return authentication.AllowedHostsValidator(["localhost"])

    async def run() -> None:
        trusted = ssl.create_default_context(cafile=graph.told["ca"])
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
            provider = authentication.BaseBearerTokenAuthenticationProvider(Given())
            adapter = adapters.GraphRequestAdapter(provider, client)
            adapter.base_url = graph.told["graph"]
            await work(builders.UsersRequestBuilder(adapter, {"baseurl": graph.told["graph"]}))

    asyncio.run(run())


def test_it_lists_people_folders_and_messages(graph: Running) -> None:
    user = graph.users["member"]

    async def work(users: Any) -> None:
        people = await users.get()
        assert user in [one.id for one in people.value]
        folders = await users.by_user_id(user).mail_folders.get()
        assert "Inbox" in [one.display_name for one in folders.value]
        messages = await users.by_user_id(user).messages.get()
        told = graph.get(f"users/{user}/messages").json()["value"]
        assert [one.id for one in messages.value] == [one["id"] for one in told]
        assert [one.subject for one in messages.value] == [one["subject"] for one in told]
        first = messages.value[0]
        assert first.received_date_time.tzinfo is not None
        assert first.from_.email_address.address == told[0]["from"]["emailAddress"]["address"]
        raw = await users.by_user_id(user).messages.by_message_id(first.id).content.get()
        assert b"Subject" in raw

    asked(graph, work)


def test_it_follows_a_delta_round_from_page_to_page(graph: Running) -> None:
    user = graph.users["member"]

    async def work(users: Any) -> None:
        builder = users.by_user_id(user).mail_folders.by_mail_folder_id("inbox").messages.delta
        configuration = _module("kiota_abstractions.base_request_configuration")
        settings = configuration.RequestConfiguration()
        settings.headers.add("Prefer", f"odata.maxpagesize=3, {IMMUTABLE}")
        page = await builder.get(request_configuration=settings)
        found = [one.id for one in page.value]
        while page.odata_next_link:
            page = await builder.with_url(page.odata_next_link).get(request_configuration=settings)
            found += [one.id for one in page.value]
        told, _ = graph.round(f"users/{user}/mailFolders/inbox/messages/delta", prefer=IMMUTABLE)
        assert found == [one["id"] for one in told] and len(found) > 3
        last = await builder.with_url(page.odata_delta_link).get(request_configuration=settings)
        assert last.value == [] and last.odata_delta_link

    asked(graph, work)


def test_it_reads_calendars_contacts_and_drives(graph: Running) -> None:
    user = graph.users["member"]

    async def work(users: Any) -> None:
        one = users.by_user_id(user)
        calendars = await one.calendars.get()
        assert len(calendars.value) == 3
        events = await one.events.get()
        assert all(event.start.time_zone == "UTC" for event in events.value)
        assert (await one.contacts.get()).value
        drives = await one.drives.get()
        assert drives.value[0].quota.total

    asked(graph, work)


def test_it_raises_the_vendors_error(graph: Running) -> None:
    errors = _module("msgraph.generated.models.o_data_errors.o_data_error")

    async def work(users: Any) -> None:
        with pytest.raises(errors.ODataError) as caught:
            await users.by_user_id(graph.users["guest"]).messages.get()
        assert caught.value.error.code == "MailboxNotEnabledForRESTAPI"

    asked(graph, work)

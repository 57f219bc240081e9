"""What somebody chose for a page comes back to them, and to nobody else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mip_app.accounts.models import Role
from mip_app.accounts.preferences import prefer, preference
from mip_app.core.actor import Actor
from mip_app.core.database import read, write
from mip_app.core.errors import NotPermitted


def test_a_choice_is_kept_and_renewed_per_person(actor: Callable[..., Actor]) -> None:
    me, you = actor(Role.REPORTER), actor(Role.REPORTER)
    write(prefer, me, "studies.table", {"hidden": ["part"]})
    write(prefer, me, "studies.table", {"hidden": []})
    assert read(preference, me, "studies.table") == {"hidden": []}
    assert read(preference, you, "studies.table") == {}
    assert read(preference, me, "other") == {}


def test_an_api_client_has_no_choices(actor: Callable[..., Actor]) -> None:
    client = replace(actor(Role.REPORTER), user_id=None)
    with pytest.raises(NotPermitted):
        read(preference, client, "studies.table")
    with pytest.raises(NotPermitted):
        write(prefer, client, "studies.table", {})

"""An upgrade keeps what is there."""

import pytest
from sqlalchemy import text

from alembic import command
from mip_app.accounts import sessions
from mip_app.core import database
from mip_app.core.actor import Permission
from mip_app.serving.migration import configuration, migrate


@pytest.fixture
def at_the_first_version(empty_db: str) -> str:
    command.upgrade(configuration(), "0001")
    with database.engine().begin() as connection:
        for statement in (
            "INSERT INTO alliance (id, name) VALUES (1, '江南医联体')",
            "INSERT INTO institution (id, alliance_id, code, name, name_en, address, phone, time_zone)"
            " VALUES (1, 1, 'JN1', '江南市第一人民医院', '', '', '', 'Asia/Shanghai')",
            "INSERT INTO user_account (id, account, name, title, password_hash, disabled, created_at)"
            " VALUES (1, 'lin', '林望舒', '', 'x', false, '2026-01-01 00:00:00')",
            "INSERT INTO membership (id, user_id, institution_id, role) VALUES (1, 1, 1, 'reporter')",
            "INSERT INTO loginsession (token_hash, membership_id, user_id, created_at, last_seen_at, expires_at,"
            f" address, device) VALUES ('{sessions.hash_of('token')}', 1, 1, '2026-01-01 00:00:00',"
            " '2099-01-01 00:00:00', '2099-01-01 00:00:00', '', '')",
        ):
            connection.execute(text(statement))
    return empty_db


def test_people_keep_their_roles_and_stay_signed_in(at_the_first_version: str) -> None:
    migrate()
    actor = database.read(sessions.actor_of_token, sessions.nobody(), "token")
    assert actor is not None and actor.name == "林望舒"
    assert Permission.REPORT_WRITE in actor.permissions

"""An upgrade keeps what is there."""

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from alembic import command
from mip_app.accounts import recognising
from mip_app.audit.models import AuditEntry
from mip_app.audit.sealer import Sealer
from mip_app.audit.verifying import all_scopes, verify
from mip_app.core import database
from mip_app.core.actor import Permission
from mip_app.serving.migration import configuration, migrate
from mip_app.studies import door
from mip_app.studies.models import Patient, PatientKey


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
            f" address, device) VALUES ('{recognising.hash_of('token')}', 1, 1, '2026-01-01 00:00:00',"
            " '2099-01-01 00:00:00', '2099-01-01 00:00:00', '', '')",
            "INSERT INTO auditentry (at, institution_id, user_id, actor, address, act, subject, refused, detail)"
            " VALUES ('2026-01-01 00:00:00.000000', 1, 1, '林望舒', '10.0.0.1', 'study.viewed', '1.2.3', false, '{}')",
            "INSERT INTO auditentry (at, institution_id, user_id, actor, address, act, subject, refused, detail)"
            " VALUES ('2026-01-01 00:00:01.000000', NULL, NULL, '', '', 'account.sign_in_refused', '', true, '{\"a\": 1}')",
            "INSERT INTO patient (id, institution_id, patient_id, issuer, name, person_name, sex)"
            " VALUES (7, 1, 'P1', '', '张三', 'ZHANG^SAN=张^三', 'M')",
            "INSERT INTO patientkey (patient_id, key, institution_id) VALUES (7, '张三', 1)",
        ):
            connection.execute(text(statement))
    return empty_db


def test_people_keep_their_roles_and_stay_signed_in(at_the_first_version: str) -> None:
    migrate()
    actor = database.read(recognising.actor_of_token, recognising.nobody(), "token")
    assert actor is not None and actor.name == "林望舒"
    assert Permission.REPORT_WRITE in actor.permissions


def test_the_log_of_before_is_proven_from_now_on(at_the_first_version: str) -> None:
    migrate()
    reader = database.engine(read_only=True)
    Sealer(database.engine(), reader).look()
    assert [(v.scope, v.whole, v.entries) for v in (verify(reader, s) for s in all_scopes(reader))] == [
        ("i:1", True, 1),
        ("p", True, 1),
    ]
    with Session(database.engine()) as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    assert [(entry.subject, entry.result) for entry in entries] == [("study:1.2.3", "done"), ("", "refused")]


def test_patients_are_who_they_were(at_the_first_version: str) -> None:
    migrate()
    with Session(database.engine()) as session:
        [patient] = session.exec(door.marked(select(Patient))).all()
        assert (patient.id, patient.person_name, patient.variant) == (7, "ZHANG^SAN=张^三", 0)
        assert session.exec(select(PatientKey.patient_id)).all() == [7]

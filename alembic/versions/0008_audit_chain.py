"""audit chain"""


import sqlalchemy as sa
import sqlmodel
from alembic import op

from mip_app.audit import chain
from mip_app.core.columns import Utc

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

_INDEXES = (
    ('audit_by_time', ('scope', 'at', 'id'), ''),
    ('audit_by_act', ('scope', 'act', 'at', 'id'), ''),
    ('audit_by_person', ('scope', 'user_id', 'at', 'id', 'act'), ''),
    ('audit_by_subject', ('scope', 'subject', 'at', 'id'), ''),
    ('audit_by_client', ('scope', 'actor', 'at', 'id', 'act'), 'user_id IS NULL'),
    ('audit_failures', ('scope', 'result', 'at', 'id', 'act', 'user_id', 'actor'), "result <> 'done'"),
)


def upgrade() -> None:
    op.create_table('auditseal',
    sa.Column('scope', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('entry_id', sa.Integer(), nullable=False),
    sa.Column('link', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'number'),
    sa.UniqueConstraint('entry_id')
    )
    op.add_column('auditentry', sa.Column('scope', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('auditentry', sa.Column('result', sa.String(), nullable=False, server_default='done'))
    op.add_column('auditentry', sa.Column('mark', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.execute("UPDATE auditentry SET result = 'refused' WHERE refused")
    op.execute("UPDATE auditentry SET scope = CASE WHEN institution_id IS NULL THEN 'p' ELSE 'i:' || institution_id END")
    # One way to name a study.
    op.execute("UPDATE auditentry SET subject = 'study:' || subject WHERE subject <> '' AND subject NOT LIKE '%:%'")
    op.drop_column('auditentry', 'refused')
    _mark_what_is_there()
    op.drop_index('audit_by_time', table_name='auditentry')
    for name, columns, where in _INDEXES:
        condition = {'sqlite_where': sa.text(where), 'postgresql_where': sa.text(where)} if where else {}
        op.create_index(name, 'auditentry', list(columns), unique=False, **condition)
    if op.get_bind().dialect.name == 'postgresql':
        # Pages are answered from indexes alone where rows are known to be visible; nothing but a vacuum notes that.
        op.execute("ALTER TABLE auditentry SET (autovacuum_vacuum_insert_scale_factor = 0.01)")
    _forbid_changes()


def _mark_what_is_there() -> None:
    """Entries of before are vouched for as they stand now; from here on each is vouched for when it is written."""
    table = sa.table('auditentry', sa.column('id', sa.Integer()), sa.column('at', Utc()), sa.column('institution_id', sa.Integer()),
                     sa.column('user_id', sa.Integer()), sa.column('detail', sa.JSON()), sa.column('mark', sa.String()),
                     *(sa.column(name, sa.String()) for name in ('scope', 'actor', 'address', 'act', 'subject', 'result')))
    connection, last = op.get_bind(), 0
    mark = table.update().where(table.c.id == sa.bindparam('which')).values(mark=sa.bindparam('made'))
    while rows := connection.execute(sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(1000)).all():
        connection.execute(mark, [{'which': row.id, 'made': chain.mark_of(chain.canonical(row.at, row._mapping, row.detail))} for row in rows])
        last = rows[-1].id


def _forbid_changes() -> None:
    """A second fence: who may write to the tables may still drop it, and then the chain tells."""
    if op.get_bind().dialect.name == 'sqlite':
        for table in ('auditentry', 'auditseal'):
            for act in ('UPDATE', 'DELETE'):
                op.execute(f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                           "BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END")
        return
    op.execute("CREATE FUNCTION audit_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
               "$$ BEGIN RAISE EXCEPTION 'the audit trail is never changed'; END $$")
    for table in ('auditentry', 'auditseal'):
        op.execute(f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                   "FOR EACH STATEMENT EXECUTE FUNCTION audit_never_changed()")


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

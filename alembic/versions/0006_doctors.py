"""doctors"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns
from mip_app.accounts.particulars import keywords_of

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('importdraft',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('lines', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('passwords', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('imported', sa.Integer(), nullable=False),
    sa.Column('created_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('done_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('importdraft', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_importdraft_user_id'), ['user_id'], unique=False)

    # Not in batches: SQLite would make the tables anew, which those that refer to them forbid.
    op.add_column('membership', sa.Column('joined_at', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.add_column('membership', sa.Column('removed_at', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.add_column('report', sa.Column('preliminary_signature', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('report', sa.Column('reviewed_signature', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))

    # Those who were there before are found by pinyin, too.
    people = sa.table('user_account', sa.column('id'), sa.column('account'), sa.column('name'), sa.column('keywords'))
    connection = op.get_bind()
    for person in connection.execute(sa.select(people).where(people.c.keywords == '')).all():
        words = keywords_of(person.account, person.name)
        connection.execute(people.update().where(people.c.id == person.id).values(keywords=words))


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

"""entering"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('budget',
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('until', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    with op.batch_alter_table('budget', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_budget_until'), ['until'], unique=False)

    op.create_table('knowndevice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('last_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'token_hash')
    )
    with op.batch_alter_table('knowndevice', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_knowndevice_last_at'), ['last_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_knowndevice_token_hash'), ['token_hash'], unique=False)

    op.create_table('qrsignin',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('browser_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('device', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('address', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('browser_hash'),
    sa.UniqueConstraint('code_hash')
    )
    with op.batch_alter_table('qrsignin', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_qrsignin_expires_at'), ['expires_at'], unique=False)

    # Counts of a quarter of an hour: nothing is lost with them.
    op.drop_table('signinfailures')


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

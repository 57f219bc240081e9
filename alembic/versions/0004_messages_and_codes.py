"""messages, codes by phone"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('outboxmessage',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('template', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('phone', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('parameters', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('due_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('sent_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('error', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('outboxmessage', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_outboxmessage_due_at'), ['due_at'], unique=False)

    op.create_table('phonecode',
    sa.Column('id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('purpose', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('log', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('phone', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('code_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('created_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('verified_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('over', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('phonecode', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_phonecode_created_at'), ['created_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_phonecode_user_id'), ['user_id'], unique=False)



def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

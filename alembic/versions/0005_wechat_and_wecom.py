"""wechat and wecom"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('callbackseen',
    sa.Column('signature', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('signature')
    )
    with op.batch_alter_table('callbackseen', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_callbackseen_at'), ['at'], unique=False)

    op.create_table('externalattempt',
    sa.Column('state_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('browser_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('inside', sa.Boolean(), nullable=False),
    sa.Column('binds', sa.Boolean(), nullable=False),
    sa.Column('target', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('state_hash')
    )
    with op.batch_alter_table('externalattempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_externalattempt_expires_at'), ['expires_at'], unique=False)

    op.create_table('pendingbinding',
    sa.Column('token_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('token_hash')
    )
    with op.batch_alter_table('pendingbinding', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pendingbinding_expires_at'), ['expires_at'], unique=False)

    op.create_table('externalidentity',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('subject', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('bound_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('bound_by', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['bound_by'], ['user_account.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('provider', 'subject')
    )
    with op.batch_alter_table('externalidentity', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_externalidentity_user_id'), ['user_id'], unique=False)

    op.create_table('officialaccount',
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('app_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('secret', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('token', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('aes_key', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('institution_id')
    )
    op.create_table('followscene',
    sa.Column('scene_hash', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('created_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('expires_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('outcome', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.ForeignKeyConstraint(['session_id'], ['loginsession.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['user_account.id'], ),
    sa.PrimaryKeyConstraint('scene_hash')
    )
    with op.batch_alter_table('followscene', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_followscene_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_followscene_user_id'), ['user_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('followscene', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_followscene_user_id'))
        batch_op.drop_index(batch_op.f('ix_followscene_expires_at'))

    op.drop_table('followscene')
    op.drop_table('officialaccount')
    with op.batch_alter_table('externalidentity', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_externalidentity_user_id'))

    op.drop_table('externalidentity')
    with op.batch_alter_table('pendingbinding', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_pendingbinding_expires_at'))

    op.drop_table('pendingbinding')
    with op.batch_alter_table('externalattempt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_externalattempt_expires_at'))

    op.drop_table('externalattempt')
    with op.batch_alter_table('callbackseen', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_callbackseen_at'))

    op.drop_table('callbackseen')

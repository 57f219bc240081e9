"""people"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('department',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name_en', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('institution_id', 'name')
    )
    with op.batch_alter_table('department', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_department_institution_id'), ['institution_id'], unique=False)

    op.create_table('roleset',
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('code', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('permissions', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('institution_id', 'code')
    )
    # Not in batches: SQLite would make the tables anew, which those that refer to them forbid.
    op.add_column('alliance', sa.Column('name_en', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('alliance', sa.Column('disabled', sa.Boolean(), nullable=False, server_default=sa.false()))

    op.add_column('institution', sa.Column('level', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('institution', sa.Column('disabled', sa.Boolean(), nullable=False, server_default=sa.false()))

    op.add_column('loginsession', sa.Column('side', sa.String(), nullable=False, server_default='work'))
    op.add_column('loginsession', sa.Column('method', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default='password'))
    op.add_column('loginsession', sa.Column('second_factor_at', mip_app.core.columns.Utc(timezone=True), nullable=True))

    op.execute("ALTER TABLE membership ADD COLUMN department_id INTEGER REFERENCES department (id)")
    op.add_column('membership', sa.Column('roles', sa.JSON(), nullable=False, server_default='[]'))
    op.add_column('membership', sa.Column('extra', sa.JSON(), nullable=False, server_default='[]'))
    op.add_column('membership', sa.Column('disabled', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f('ix_membership_department_id'), 'membership', ['department_id'], unique=False)

    # One role became a list of them.
    if op.get_bind().dialect.name == 'sqlite':
        op.execute("UPDATE membership SET roles = json_array(role)")
    else:
        op.execute("UPDATE membership SET roles = json_build_array(role)")
    op.drop_column('membership', 'role')

    op.add_column('user_account', sa.Column('keywords', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('first_login', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('user_account', sa.Column('phone', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('phone_index', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('phone_verified_at', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.add_column('user_account', sa.Column('second_factor', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('second_factor_since', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.add_column('user_account', sa.Column('second_factor_step', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('user_account', sa.Column('avatar', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('signature', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('user_account', sa.Column('last_sign_in_at', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.create_index(op.f('ix_user_account_phone_index'), 'user_account', ['phone_index'], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

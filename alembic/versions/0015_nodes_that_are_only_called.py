"""nodes that are only called"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

OF_ONE = ['institution_id', 'ae_title', 'address']
CALLS = 'may_store OR may_query OR may_retrieve'


def upgrade() -> None:
    """Title and address are once an institution, and once in all among those that may do something here."""
    bind = op.get_bind()
    if bind.dialect.name == 'sqlite':
        # The constraint has no name; nothing refers to this table, so it is made anew.
        named = {'uq': 'uq_%(table_name)s_%(column_0_name)s'}
        with op.batch_alter_table('node', recreate='always', naming_convention=named) as node:
            node.drop_constraint('uq_node_ae_title', type_='unique')
            node.create_unique_constraint('node_of_one', OF_ONE)
    else:
        [old] = [u['name'] for u in sa.inspect(bind).get_unique_constraints('node')]
        op.drop_constraint(old, 'node', type_='unique')
        op.create_unique_constraint('node_of_one', 'node', OF_ONE)
    calls = sa.text(CALLS)
    op.create_index('node_that_calls', 'node', ['ae_title', 'address'], unique=True, sqlite_where=calls, postgresql_where=calls)


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

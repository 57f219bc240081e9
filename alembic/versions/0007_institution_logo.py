"""institution logo"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch: SQLite would make the table anew, which those that refer to it forbid.
    op.add_column('institution', sa.Column('logo', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

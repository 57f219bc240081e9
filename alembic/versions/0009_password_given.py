"""when the password was given"""

import sqlalchemy as sa
from alembic import op

from mip_app.core.columns import Utc

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('loginsession', sa.Column('password_at', Utc(timezone=True), nullable=True))
    op.execute("UPDATE loginsession SET password_at = created_at WHERE method = 'password'")


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

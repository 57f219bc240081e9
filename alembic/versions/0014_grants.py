"""grants"""

import sqlalchemy as sa
from alembic import op

from mip_app.core.columns import Utc

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'studygrant',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('institution_id', sa.Integer(), nullable=False),
        sa.Column('to_institution_id', sa.Integer(), nullable=False),
        sa.Column('to_user_id', sa.Integer(), nullable=True),
        sa.Column('study_pk', sa.Integer(), nullable=True),
        sa.Column('patient_pk', sa.Integer(), nullable=True),
        sa.Column('future', sa.Boolean(), nullable=False),
        sa.Column('may_report', sa.Boolean(), nullable=False),
        sa.Column('may_print', sa.Boolean(), nullable=False),
        sa.Column('may_download', sa.Boolean(), nullable=False),
        sa.Column('reason', sa.String(), nullable=False),
        sa.Column('until', Utc(timezone=True), nullable=True),
        sa.Column('given_at', Utc(timezone=True), nullable=False),
        sa.Column('given_by_id', sa.Integer(), nullable=True),
        sa.Column('given_by', sa.String(), nullable=False),
        sa.Column('withdrawn_at', Utc(timezone=True), nullable=True),
        sa.Column('withdrawn_by', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['institution_id'], ['institution.id']),
        sa.ForeignKeyConstraint(['to_institution_id'], ['institution.id']),
        sa.ForeignKeyConstraint(['to_user_id'], ['user_account.id']),
        sa.ForeignKeyConstraint(['study_pk'], ['study.id']),
        sa.ForeignKeyConstraint(['patient_pk'], ['patient.id']),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('ix_studygrant_institution_id', 'studygrant', ['institution_id'])
    op.create_index('ix_studygrant_study_pk', 'studygrant', ['study_pk'])
    op.create_index('ix_studygrant_patient_pk', 'studygrant', ['patient_pk'])
    op.create_table(
        'giver',
        sa.Column('to_institution_id', sa.Integer(), nullable=False),
        sa.Column('institution_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['to_institution_id'], ['institution.id']),
        sa.ForeignKeyConstraint(['institution_id'], ['institution.id']),
        sa.PrimaryKeyConstraint('to_institution_id', 'institution_id'),
    )
    op.create_table(
        'grantedstudy',
        sa.Column('study_pk', sa.Integer(), nullable=False),
        sa.Column('institution_id', sa.Integer(), nullable=False),
        sa.Column('user_id', sa.Integer(), nullable=False),
        sa.Column('modality', sa.String(), nullable=False),
        sa.Column('studied_at', Utc(timezone=True), nullable=False),
        sa.Column('study_date', sa.Date(), nullable=True),
        sa.Column('until', Utc(timezone=True), nullable=False),
        sa.Column('twin', sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(['study_pk'], ['study.id']),
        sa.ForeignKeyConstraint(['institution_id'], ['institution.id']),
        sa.PrimaryKeyConstraint('study_pk', 'institution_id', 'user_id', 'modality'),
        sqlite_with_rowid=False,
    )
    by_time = ['institution_id', 'user_id', 'modality', 'twin', 'studied_at', 'study_pk', 'study_date', 'until']
    op.create_index('granted_study_by_time', 'grantedstudy', by_time)
    op.create_index(
        'patient_merged',
        'patient',
        ['merged_into'],
        sqlite_where=sa.text('merged_into IS NOT NULL'),
        postgresql_where=sa.text('merged_into IS NOT NULL'),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

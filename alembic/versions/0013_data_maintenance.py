"""data maintenance"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import mip_app.core.columns

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _patient()
    op.add_column('study', sa.Column('origin_pk', sa.Integer(), nullable=True))
    op.add_column('study', sa.Column('corrections', sa.JSON(), nullable=False, server_default='{}'))
    op.create_table('patientconflict',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('patient_pk', sa.Integer(), nullable=False),
    sa.Column('other_pk', sa.Integer(), nullable=False),
    sa.Column('study_pk', sa.Integer(), nullable=True),
    sa.Column('arrived_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('resolved_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('change_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('patient_conflict_open', 'patientconflict', ['institution_id', 'resolved_at', 'id'])
    op.create_index('ix_patientconflict_patient_pk', 'patientconflict', ['patient_pk'])
    op.create_index('ix_patientconflict_other_pk', 'patientconflict', ['other_pk'])
    op.create_index('ix_patientconflict_study_pk', 'patientconflict', ['study_pk'])
    op.create_table('datachange',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('conflict_id', sa.Integer(), nullable=True),
    sa.Column('at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('why', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('summary', sa.JSON(), nullable=False),
    sa.Column('before', sa.JSON(), nullable=False),
    sa.Column('undone_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('undone_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('data_change_by_time', 'datachange', ['institution_id', 'id'])
    op.create_table('studyerasure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('study_uid', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('asked_at', mip_app.core.columns.Utc(timezone=True), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('decided_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('series', sa.Integer(), nullable=False),
    sa.Column('instances', sa.Integer(), nullable=False),
    sa.Column('bytes', sa.BigInteger(), nullable=False),
    sa.Column('done_at', mip_app.core.columns.Utc(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('study_erasure_by_uid', 'studyerasure', ['institution_id', 'study_uid'])
    op.create_table('erasedblob',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('erasure_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('sop_instance_uid', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('blob', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['erasure_id'], ['studyerasure.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_erasedblob_erasure_id', 'erasedblob', ['erasure_id'])
    op.add_column('setaside', sa.Column('decided_at', mip_app.core.columns.Utc(timezone=True), nullable=True))
    op.add_column('setaside', sa.Column('decided_by', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('setaside', sa.Column('decision', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))
    op.add_column('setaside', sa.Column('sender', sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default=''))


def _patient() -> None:
    """The same ID may be there once more for each variant."""
    bind = op.get_bind()
    if bind.dialect.name != 'sqlite':
        op.add_column('patient', sa.Column('variant', sa.Integer(), nullable=False, server_default='0'))
        op.add_column('patient', sa.Column('merged_into', sa.Integer(), nullable=True))
        [old] = [u['name'] for u in sa.inspect(bind).get_unique_constraints('patient')]
        op.drop_constraint(old, 'patient', type_='unique')
        op.create_unique_constraint(None, 'patient', ['institution_id', 'issuer', 'patient_id', 'variant'])
        return
    # SQLite cannot change a constraint. The table is made anew under its own name, while others refer to it: that they
    # do is looked at when the transaction ends, and then all whom they refer to are there again.
    op.execute('PRAGMA defer_foreign_keys=ON')
    columns = 'id, institution_id, patient_id, issuer, name, person_name, sex, birth_date, name_folded'
    op.execute(f'CREATE TEMPORARY TABLE patient_before AS SELECT {columns} FROM patient')
    op.drop_table('patient')
    op.create_table('patient',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('patient_id', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('issuer', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('person_name', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('sex', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('name_folded', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('variant', sa.Integer(), nullable=False),
    sa.Column('merged_into', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('institution_id', 'issuer', 'patient_id', 'variant')
    )
    op.execute(f'INSERT INTO patient ({columns}, variant) SELECT {columns}, 0 FROM patient_before')
    op.execute('DROP TABLE patient_before')


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

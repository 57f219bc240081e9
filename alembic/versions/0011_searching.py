"""searching"""

import json
import zlib

import sqlalchemy as sa
from alembic import op

from mip_app.core.columns import Utc
from mip_app.dicom.part10 import parse_date
from mip_app.studies.query import names

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

BATCH = 2000
BYTEWISE = sa.String().with_variant(sa.String(collation='C'), 'postgresql')
BY_TIME = ['institution_id', 'studied_at', 'id', 'modality', 'report_status', 'patient_class', 'contrast', 'patient_pk']


def upgrade() -> None:
    op.add_column('patient', sa.Column('name_folded', BYTEWISE, nullable=False, server_default=''))
    op.add_column('study', sa.Column('utc_offset', sa.String(), nullable=False, server_default=''))
    op.add_column('series', sa.Column('performed_date', sa.Date(), nullable=True))
    for name in ('performed_time', 'scheduled_step_ids', 'requested_procedure_ids'):
        op.add_column('series', sa.Column(name, sa.String(), nullable=False, server_default=''))
    if op.get_bind().dialect.name == 'postgresql':
        op.alter_column('study', 'accession_number', type_=sa.String(collation='C'))
    op.create_table(
        'patienttail',
        sa.Column('institution_id', sa.Integer(), nullable=False),
        sa.Column('tail', BYTEWISE, nullable=False),
        sa.Column('patient_pk', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['patient_pk'], ['patient.id']),
        sa.PrimaryKeyConstraint('institution_id', 'tail', 'patient_pk'),
        sqlite_with_rowid=False,
    )
    op.create_table(
        'studymodality',
        sa.Column('study_pk', sa.Integer(), nullable=False),
        sa.Column('modality', sa.String(), nullable=False),
        sa.Column('institution_id', sa.Integer(), nullable=False),
        sa.Column('studied_at', Utc(timezone=True), nullable=False),
        sa.Column('study_date', sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(['study_pk'], ['study.id']),
        sa.PrimaryKeyConstraint('study_pk', 'modality'),
    )
    op.create_index('ix_patienttail_patient_pk', 'patienttail', ['patient_pk'])
    _patients()
    _modalities()
    _headers()
    op.create_index(
        'study_modality_by_time',
        'studymodality',
        ['institution_id', 'modality', 'studied_at', 'study_pk', 'study_date'],
    )
    op.create_index('study_by_accession', 'study', ['institution_id', 'accession_number'])
    op.drop_index('study_by_time', 'study')
    op.create_index('study_by_time', 'study', [*BY_TIME, 'study_date'])


def _batches(columns: str, table: str):
    """Rows by their keys, a few thousand at a time."""
    last = 0
    while True:
        statement = sa.text(f'SELECT {columns} FROM {table} WHERE id > :last ORDER BY id LIMIT :batch')
        found = op.get_bind().execute(statement, {'last': last, 'batch': BATCH}).all()
        if not found:
            return
        yield found
        last = found[-1][0]


def _patients() -> None:
    tail = sa.table('patienttail', sa.column('institution_id'), sa.column('tail'), sa.column('patient_pk'))
    update = sa.text('UPDATE patient SET name_folded = :folded WHERE id = :pk')
    for rows in _batches('id, institution_id, person_name, patient_id', 'patient'):
        folded = {pk: names.folded(name) for pk, _, name, _ in rows}
        op.get_bind().execute(update, [{'pk': pk, 'folded': name} for pk, name in folded.items()])
        op.bulk_insert(
            tail,
            [
                {'institution_id': institution, 'tail': one, 'patient_pk': pk}
                for pk, institution, _, patient_id in rows
                for one in sorted(names.tails(folded[pk], patient_id))
            ],
        )


def _modalities() -> None:
    for rows in _batches('id, modalities', 'study'):
        new = [
            {'pk': pk, 'modality': modality}
            for pk, modalities in rows
            for modality in dict.fromkeys(modalities.split('\\'))
            if modality
        ]
        if new:
            op.get_bind().execute(
                sa.text(
                    'INSERT INTO studymodality (study_pk, modality, institution_id, studied_at, study_date) '
                    'SELECT id, :modality, institution_id, studied_at, study_date FROM study WHERE id = :pk'
                ),
                new,
            )


def _headers() -> None:
    """What searches ask of headers, read from one instance of each series."""
    first = sa.text('SELECT header FROM instance WHERE series_pk = :pk ORDER BY instance_number LIMIT 1')
    series = sa.text(
        'UPDATE series SET performed_date = :day, performed_time = :time, scheduled_step_ids = :steps, '
        'requested_procedure_ids = :procedures WHERE id = :pk'
    ).bindparams(sa.bindparam('day', type_=sa.Date()))
    study = sa.text('UPDATE study SET utc_offset = :offset WHERE id = :pk')
    for rows in _batches('id, study_pk', 'series'):
        for pk, study_pk in rows:
            packed = op.get_bind().execute(first, {'pk': pk}).scalar()
            header = json.loads(zlib.decompress(packed)) if packed else {}
            items = header.get('00400275', {}).get('Value') or []
            steps, procedures = (
                '\\'.join(dict.fromkeys(v for item in items for v in _values(item, tag))) for tag in ('00400009', '00401001')
            )
            day, time = _one(header, '00400244'), _one(header, '00400245')
            if day or time or steps or procedures:
                said = {'day': parse_date(day), 'time': time, 'steps': steps, 'procedures': procedures}
                op.get_bind().execute(series, {**said, 'pk': pk})
            if offset := _one(header, '00080201'):
                op.get_bind().execute(study, {'offset': offset, 'pk': study_pk})


def _values(header: dict, tag: str) -> list[str]:
    return [str(value) for value in header.get(tag, {}).get('Value') or [] if value is not None]


def _one(header: dict, tag: str) -> str:
    return next(iter(_values(header, tag)), '')


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")

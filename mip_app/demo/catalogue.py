"""Who and what is in the demo: an invented alliance, its people, its patients and their studies.

Nobody here exists. Dates are counted back from the day of the first seeding.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from mip_app.studies.models import Contrast, PatientClass
from mip_app.studies.models import ReportStatus as ReportState

ALLIANCE = "江南医联体"
ALLIANCE_EN = "Jiangnan Medical Alliance"


@dataclass(frozen=True, slots=True)
class Institution:
    """`code` is what commands and accounts name; address and phone stand at the head of printed reports."""

    code: str
    name: str
    name_en: str
    short: str
    level: str
    address: str
    phone: str


@dataclass(frozen=True, slots=True)
class Account:
    """`mobile` is invented, like everybody here. `also`: where else they work, and as what."""

    account: str
    name: str
    role: str
    institution: str
    title: str
    department: str
    mobile: str
    more_roles: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    first_login: bool = False  # phone and password are still to be set


@dataclass(frozen=True, slots=True)
class Patient:
    """`name`: PN with alphabetic and ideographic groups (PS3.5 6.2). `birth` YYYYMMDD or empty; `sex` M, F, O or empty."""

    id: str
    name: str
    birth: str
    sex: str


@dataclass(frozen=True, slots=True)
class Images:
    """Which pictures a study has: a recipe of `recipes.py`, and the seed that makes this body its own."""

    recipe: str
    seed: int = 1
    files: tuple[str, ...] = ()  # for the recipe "wheel": test files in pydicom's wheel


@dataclass(frozen=True, slots=True)
class StudySpec:
    """One study. `time` is HHMM; `key` names it for ever: its UIDs come from it."""

    key: str
    institution: str
    patient: Patient
    days_ago: int
    time: str
    modality: str
    body_part: str
    description: str
    accession: str
    patient_class: PatientClass
    contrast: Contrast | None
    images: Images
    report: ReportState = ReportState.NONE
    author: str = ""
    reviewer: str = ""
    printed: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """When things happened to a study and its report, in the institution's local time; never after `now`."""

    studied: datetime
    written: datetime | None = None
    reviewed: datetime | None = None
    printed: datetime | None = None
    amended: datetime | None = None


ZONE = timezone(timedelta(hours=8))  # where the alliance lies
LAST_OF_TODAY = 11 * 60  # minutes: seeded before 11 o'clock, today's studies move closer together


def timeline(spec: StudySpec, now: datetime) -> Timeline:
    """The times of a study as seen from `now`: naive, in the alliance's zone, which a naive `now` is taken to be in."""
    now = now.astimezone(ZONE).replace(tzinfo=None) if now.tzinfo else now
    midnight = datetime(now.year, now.month, now.day) - timedelta(days=spec.days_ago)
    minutes = int(spec.time[:2]) * 60 + int(spec.time[2:4])
    elapsed = (now.hour * 60 + now.minute) if spec.days_ago == 0 else LAST_OF_TODAY
    squeeze = min(1.0, elapsed / LAST_OF_TODAY)
    studied = midnight + timedelta(minutes=round(minutes * squeeze, 2))
    pace = squeeze * (12 + sum(map(ord, spec.key)) % 35)
    steps = {ReportState.NONE: 0, ReportState.DRAFT: 1, ReportState.PRELIMINARY: 1}.get(spec.report, 2)
    written = studied + timedelta(minutes=pace) if steps > 0 else None
    reviewed = studied + timedelta(minutes=2.2 * pace) if steps > 1 else None
    printed = studied + timedelta(minutes=3.1 * pace + 4) if spec.printed else None
    amended = studied + timedelta(hours=26) if spec.report is ReportState.AMENDED else None

    def past(moment: datetime | None) -> datetime | None:
        return None if moment is None else min(moment, now).replace(microsecond=0)

    return Timeline(past(studied) or studied, past(written), past(reviewed), past(printed), past(amended))


# Titles by which dcmtk's commands call, and the institution whose images they send.
NODES, NODES_OF = ("ECHOSCU", "STORESCU", "FINDSCU", "MOVESCU", "GETSCU"), "JN1"

INSTITUTIONS = (
    Institution(
        "JN1",
        "江南市第一人民医院",
        "Jiangnan First People's Hospital",
        "市一院",
        "三级甲等",
        "江南市望湖路 168 号",
        "0579-0000 1680",
    ),
    Institution(
        "QH2",
        "清河县人民医院",
        "Qinghe County People's Hospital",
        "清河县院",
        "二级甲等",
        "清河县人民东路 26 号",
        "0579-0000 2260",
    ),
    Institution(
        "YS3",
        "云山镇中心卫生院",
        "Yunshan Township Health Centre",
        "云山卫生院",
        "一级",
        "清河县云山镇溪口路 9 号",
        "0579-0000 3090",
    ),
)
DEPARTMENTS = {
    "信息科": "Information Technology",
    "放射科": "Radiology",
    "超声医学科": "Ultrasound",
    "呼吸与危重症医学科": "Respiratory and Critical Care",
    "医务科": "Medical Affairs",
    "审计科": "Audit",
    "医学影像科": "Medical Imaging",
    "内科": "Internal Medicine",
    "全科": "General Practice",
}

ACCOUNTS = (
    Account("shenmingzhe", "沈明哲", "operator", "", "平台工程师", "平台运维", "13800000001"),
    Account("gulan", "顾岚", "alliance_admin", "", "医联体办公室主任", "医联体办公室", "13800000002"),
    Account("chensuyun", "陈素云", "institution_admin", "JN1", "信息科主任", "信息科", "13800000101"),
    Account("zhouzhibai", "周知白", "reporter", "JN1", "主治医师", "放射科", "13800000102"),
    Account("hewei", "何为", "reporter", "JN1", "住院医师", "放射科", "13800000103"),
    Account("tangruoxi", "唐若曦", "reporter", "JN1", "主治医师", "超声医学科", "13800000104"),
    Account("linwangshu", "林望舒", "reviewer", "JN1", "主任医师", "放射科", "13800000105", also=(("QH2", "reviewer"),)),
    Account("luyanqiu", "陆砚秋", "reviewer", "JN1", "副主任医师", "放射科", "13800000106", ("consultation_reviewer",)),
    Account("jiangruoshui", "江若水", "consultation_reviewer", "JN1", "副主任医师", "医务科", "13800000107"),
    Account("fangjinghe", "方景和", "clinician", "JN1", "副主任医师", "呼吸与危重症医学科", "13800000108"),
    Account("xujianing", "许嘉宁", "technician", "JN1", "主管技师", "放射科", "13800000109"),
    Account("weizhengping", "魏正平", "auditor", "JN1", "审计员", "审计科", "13800000110"),
    Account("suxiaoman", "苏晓满", "clinician", "JN1", "住院医师", "呼吸与危重症医学科", "13800000111", first_login=True),
    Account("dingyifan", "丁一凡", "institution_admin", "QH2", "信息科科长", "信息科", "13800000201"),
    Account("maxiaochuan", "马晓川", "reporter", "QH2", "主治医师", "医学影像科", "13800000202", ("technician",)),
    Account("qiaoshulan", "乔淑兰", "reviewer", "QH2", "副主任医师", "医学影像科", "13800000203"),
    Account("bailu", "白露", "clinician", "QH2", "主治医师", "内科", "13800000204"),
    Account("kongdesheng", "孔德胜", "technician", "QH2", "技师", "医学影像科", "13800000205"),
    Account("tianmiao", "田苗", "institution_admin", "YS3", "全科医师", "全科", "13800000301", ("clinician",)),
    Account("shilei", "石磊", "technician", "YS3", "技士", "医学影像科", "13800000302", also=(("QH2", "technician"),)),
)  # fmt: skip


def _p(number: str, name: str, birth: str, sex: str) -> Patient:
    return Patient(number, name, birth, sex)


ZHANG = _p("0012345678", "ZHANG^SANFENG=张^三丰", "19680416", "M")
OUYANG, OUYANG_QH = (_p(n, "OUYANG^RUOLAN=欧阳^若兰", "19790923", "F") for n in ("0012301177", "QH00418823"))
AYIGULI = _p("0012388021", "AYIGULI MAIMAITIJIANG=阿依古丽·买买提江", "19910705", "F")
YOSHIDA = _p("0012377400", "JITIAN^MINGMEI=𠮷田^明美", "19850311", "F")
DA = _p("0012366092", "LONG^DA=龙^龘", "20010219", "M")
SHAN = _p("0012311904", "SHAN^XIONGXIN=单^雄新", "19570628", "M")
QIU = _p("0012340116", "QIU^YUNHE=仇^云鹤", "19720130", "M")
ZENG = _p("0012329557", "ZENG^CHONGYANG=曾^重阳", "19631009", "M")
SMITH = _p("0012390015", "SMITH^Jonathan", "19740818", "M")
UNKNOWN = _p("E20900031", "", "", "M")

O, I, E, H = PatientClass.OUTPATIENT, PatientClass.INPATIENT, PatientClass.EMERGENCY, PatientClass.CHECKUP  # noqa: E741
PLAIN, CONTRAST, BOTH = Contrast.PLAIN, Contrast.ENHANCED, Contrast.BOTH
NONE, DRAFT, RETURNED = ReportState.NONE, ReportState.DRAFT, ReportState.RETURNED
PRELIMINARY, FINAL, AMENDED = ReportState.PRELIMINARY, ReportState.FINAL, ReportState.AMENDED
ZHOU, HE, TANG, LIN, LU, MA, QIAO = (
    "zhouzhibai", "hewei", "tangruoxi", "linwangshu", "luyanqiu", "maxiaochuan", "qiaoshulan",
)  # fmt: skip


def _study(
    key: str,
    patient: Patient,
    when: tuple[int, str],
    what: tuple[str, str, str],
    kind: tuple[PatientClass, Contrast | None],
    images: Images,
    report: tuple[ReportState, str, str] | None = None,
    printed: bool = False,
) -> StudySpec:
    institution, number = key.split("-")
    state, author, reviewer = report or (NONE, "", "")
    return StudySpec(
        key, institution, patient, *when, *what, f"{what[0]}{institution}{int(number):06d}", *kind, images,
        state, author, reviewer, printed,
    )  # fmt: skip


CT_CHEST_PLAIN = ("CT", "CHEST", "胸部CT平扫")
CT_HEAD = ("CT", "HEAD", "颅脑CT平扫")
MR_BRAIN = ("MR", "BRAIN", "颅脑MR平扫")
MR_LUMBAR = ("MR", "LSPINE", "腰椎MR平扫")
DX_CHEST = ("DX", "CHEST", "胸部正位片")
US_ABDOMEN = ("US", "ABDOMEN", "腹部超声（肝胆胰脾）")
US_THYROID = ("US", "THYROID", "甲状腺超声")

STUDIES: tuple[StudySpec, ...] = (
    # --- JN1: one patient with a prior and a radiograph -----------------------------------------------------------
    _study("JN1-001", ZHANG, (0, "0912"), ("CT", "CHEST", "胸部CT平扫+增强"), (I, BOTH), Images("chest_nodule", 7), (DRAFT, ZHOU, "")),
    _study("JN1-002", ZHANG, (1, "1536"), DX_CHEST, (I, PLAIN), Images("chest_radiograph", 7), (PRELIMINARY, HE, "")),
    _study("JN1-003", ZHANG, (548, "1018"), CT_CHEST_PLAIN, (O, PLAIN), Images("chest_prior", 7), (FINAL, ZHOU, LIN), True),
    # --- JN1: today -------------------------------------------------------------------------------------------------
    _study("JN1-004", UNKNOWN, (0, "0347"), ("CT", "HEAD", "颅脑CT平扫（急诊）"), (E, PLAIN), Images("head_bleed", 3), (FINAL, HE, LU), True),
    _study("JN1-005", OUYANG, (0, "0831"), MR_BRAIN, (O, PLAIN), Images("brain_mr", 5)),
    _study("JN1-006", AYIGULI, (0, "0846"), US_THYROID, (O, None), Images("us_thyroid", 6), (PRELIMINARY, TANG, "")),
    _study("JN1-007", SHAN, (0, "0905"), ("CT", "ABDOMEN", "上腹部CT增强"), (I, CONTRAST), Images("abdomen_enhanced", 11)),
    _study("JN1-008", SMITH, (0, "0958"), MR_LUMBAR, (O, PLAIN), Images("lumbar_mr", 8)),
    _study("JN1-009", DA, (0, "1014"), ("DX", "WRIST", "右腕关节正位片"), (E, PLAIN), Images("wrist_fracture", 9), (DRAFT, HE, "")),
    _study("JN1-010", YOSHIDA, (0, "1033"), ("MG", "BREAST", "双侧乳腺钼靶"), (O, PLAIN), Images("breast_lump", 10)),
    # --- JN1: yesterday and the days before -------------------------------------------------------------------------
    _study("JN1-011", QIU, (1, "0922"), ("XA", "HEART", "冠状动脉造影"), (I, CONTRAST), Images("coronary", 11), (RETURNED, HE, LIN)),
    _study("JN1-012", ZENG, (1, "1407"), CT_CHEST_PLAIN, (H, PLAIN), Images("chest_thick", 12), (FINAL, ZHOU, LIN)),
    _study("JN1-013", _p("0012391120", "LIU^YIYI=刘^依依", "20180903", "F"), (1, "1650"), DX_CHEST, (E, PLAIN), Images("chest_radiograph", 13)),
    _study("JN1-014", _p("0012300458", "WANG^JIANGUO=王^建国", "19510222", "M"), (2, "0940"), ("PT", "CHEST", "体部PET显像（18F-FDG）"), (I, None), Images("pet", 7), (PRELIMINARY, ZHOU, "")),
    _study("JN1-015", _p("0012355310", "LI^SIYUAN=李^思远", "19880614", "M"), (2, "1112"), MR_LUMBAR, (O, PLAIN), Images("lumbar_mr", 15), (FINAL, ZHOU, LU), True),
    _study("JN1-016", _p("0012368241", "ZHAO^MIN=赵^敏", "19940327", "F"), (2, "1525"), US_ABDOMEN, (O, None), Images("us_liver", 16), (FINAL, TANG, LU), True),
    _study("JN1-017", OUYANG, (3, "0855"), US_THYROID, (O, None), Images("us_thyroid", 17), (FINAL, TANG, LIN)),
    _study("JN1-018", _p("0012322685", "ZHANG^SAN=张^三", "19760512", "M"), (4, "1020"), CT_HEAD, (O, PLAIN), Images("head_plain", 18), (FINAL, HE, LIN), True),
    _study("JN1-019", _p("0012399876", "CHEN^XI=陈^曦", "20020808", "F"), (5, "0911"), ("DX", "KNEE", "左膝关节正位片"), (O, PLAIN), Images("knee", 19), (PRELIMINARY, HE, "")),
    _study("JN1-020", _p("0012345099", "SUN^CUILAN=孙^翠兰", "19600117", "F"), (6, "1444"), ("MG", "BREAST", "双侧乳腺钼靶"), (H, PLAIN), Images("breast", 20), (FINAL, ZHOU, LU), True),
    _study("JN1-021", SHAN, (9, "1003"), ("CT", "ABDOMEN", "上腹部CT平扫"), (I, PLAIN), Images("abdomen_plain", 11), (AMENDED, ZHOU, LIN), True),
    _study("JN1-022", _p("0012380733", "HUANG^ZHIYUAN=黄^致远", "19680930", "M"), (13, "0835"), MR_BRAIN, (I, PLAIN), Images("brain_lacunes", 22), (FINAL, ZHOU, LIN), True),
    _study("JN1-023", _p("0012371002", "ZHUGE^QINGYUN=诸葛^青云", "19830420", "F"), (19, "1547"), ("US", "KIDNEY", "泌尿系超声"), (O, None), Images("us_kidney", 23), (FINAL, TANG, LU)),
    _study("JN1-024", _p("0012313378", "GE^ZHIGANG=盖^志刚", "19550703", "M"), (27, "0927"), CT_CHEST_PLAIN, (I, PLAIN), Images("chest_thick", 24), (RETURNED, HE, LU)),
    # Published test files out of pydicom's wheel: patient, study, dates and UIDs are the demo's, all else is as published.
    _study("JN1-025", _p("0012318841", "XIE^DEHUA=解^德华", "19680521", "M"), (34, "1030"), ("MR", "ABDOMEN", "上腹部MR增强"), (I, CONTRAST), Images("wheel", 0, ("examples_overlay.dcm",)), (FINAL, ZHOU, LIN), True),
    _study("JN1-026", _p("0012350027", "QU^MINGYUE=区^明月", "19900112", "F"), (51, "0918"), ("US", "HEART", "经胸超声心动图"), (O, None), Images("wheel", 0, ("examples_ybr_color.dcm",)), (FINAL, TANG, LU)),
    _study("JN1-027", _p("0012336610", "YUE^SHAN=乐^山", "19810605", "M"), (72, "1422"), ("US", "NECK", "浅表淋巴结彩色多普勒超声"), (O, None), Images("wheel", 0, ("examples_jpeg2k.dcm", "examples_rgb_color.dcm")), (FINAL, TANG, LIN)),
    _study("JN1-028", _p("0012308890", "YUCHI^GONGLIANG=尉迟^恭良", "19480909", "M"), (118, "0810"), ("NM", "WHOLEBODY", "全身骨显像"), (I, None), Images("wheel", 0, ("JPEG2000.dcm",)), (FINAL, ZHOU, LIN), True),
    _study("JN1-029", ZENG, (240, "0944"), CT_CHEST_PLAIN, (H, PLAIN), Images("chest_thick", 12), (AMENDED, HE, LU), True),
    _study("JN1-030", AYIGULI, (396, "1516"), US_ABDOMEN, (H, None), Images("us_liver", 30), (FINAL, TANG, LIN), True),
    # --- QH2 ----------------------------------------------------------------------------------------------------------
    _study("QH2-001", _p("QH00512201", "ZHOU^GUIFANG=周^桂芳", "19540211", "F"), (0, "0822"), DX_CHEST, (O, PLAIN), Images("chest_radiograph", 41)),
    _study("QH2-002", _p("QH00512214", "WU^DASHUN=吴^大顺", "19620803", "M"), (0, "0940"), CT_HEAD, (E, PLAIN), Images("head_plain", 42), (DRAFT, MA, "")),
    _study("QH2-003", _p("QH00512230", "ZHENG^XIAOHUI=郑^晓慧", "19951125", "F"), (0, "1052"), ("DX", "KNEE", "右膝关节正位片"), (O, PLAIN), Images("knee", 43)),
    _study("QH2-004", OUYANG_QH, (1, "1015"), ("DX", "CHEST", "胸部正位片（体检）"), (H, PLAIN), Images("chest_radiograph", 44), (PRELIMINARY, MA, "")),
    _study("QH2-005", _p("QH00509917", "FENG^BAOGUO=冯^保国", "19700515", "M"), (2, "0905"), CT_CHEST_PLAIN, (O, PLAIN), Images("chest_thick", 45), (FINAL, MA, QIAO), True),
    _study("QH2-006", _p("QH00511003", "PIAO^YINGJI=朴^英姬", "19670322", "F"), (3, "1430"), US_ABDOMEN, (O, None), Images("us_liver", 46), (FINAL, MA, QIAO)),
    _study("QH2-007", _p("QH00511248", "ZHA^LINGFENG=查^凌峰", "19790728", "M"), (5, "1108"), MR_LUMBAR, (O, PLAIN), Images("lumbar_mr", 47), (RETURNED, MA, QIAO)),
    _study("QH2-008", _p("QH00498120", "XIANYU^TONG=鲜于^彤", "20101201", "F"), (8, "1602"), ("DX", "WRIST", "左腕关节正位片"), (E, PLAIN), Images("wrist", 48), (FINAL, MA, QIAO), True),
    _study("QH2-009", _p("QH00487766", "HE^QIU=何^秋", "19580906", "F"), (16, "0951"), ("CT", "ABDOMEN", "上腹部CT平扫"), (I, PLAIN), Images("abdomen_plain", 49), (FINAL, MA, QIAO)),
    _study("QH2-010", _p("QH00476093", "MIAO^YUTONG=缪^雨桐", "19970413", "F"), (30, "0838"), ("US", "UTERUS", "早孕超声"), (O, None), Images("wheel", 0, ("examples_palette.dcm",))),
    _study("QH2-011", _p("QH00461129", "TAN^YONGFU=覃^永福", "19640630", "M"), (64, "1357"), ("CT", "TSPINE", "胸椎CT增强"), (I, CONTRAST), Images("wheel", 0, ("CT_small.dcm",))),
    _study("QH2-012", _p("QH00455382", "BU^FAN=卜^凡", "19860219", "F"), (123, "1011"), ("MR", "SHOULDER", "左肩关节MR平扫"), (O, PLAIN), Images("wheel", 0, ("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"))),
    _study("QH2-013", _p("QH00449015", "YUCHI^JING=尉迟^静", "19731217", "F"), (207, "0930"), ("US", "KIDNEY", "泌尿系超声"), (H, None), Images("us_kidney", 53), (AMENDED, MA, QIAO), True),
    _study("QH2-014", _p("QH00430871", "TENG^HAISHENG=滕^海生", "19520104", "M"), (371, "1440"), CT_HEAD, (I, PLAIN), Images("head_plain", 54), (FINAL, MA, QIAO), True),
)  # fmt: skip

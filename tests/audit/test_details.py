"""What the log says of each act in words, in both languages: what changed, how, and why it was refused."""

import pytest

from mip_app.audit.models import Act
from mip_app.auditing.details import Names, said
from mip_app.auditing.messages import _ANY, event_of
from mip_app.core.texts import LANGUAGES

NAMES = Names(people={"user:7": "林望舒"}, places={"institution:1": "江宁一院"}, roles={"own-1": "进修医师"})
R = "refused"
SAID = [
    (Act.USER_CREATED, "user:3", {"roles": ["reporter", "own-1"], "extra": []}, "角色：报告医师、进修医师"),
    (Act.USER_ADDED, "user:3", {"roles": ["own-2"], "extra": []}, "角色：已删除的角色"),
    (
        Act.USER_CHANGED,
        "user:3",
        {"changed": ["title", "roles"], "roles": ["reviewer"], "roles_before": ["reporter"], "extra": []},
        "改动：职称 · 角色：报告医师 → 审核医师",
    ),
    (Act.USER_CHANGED, "user:3", {"changed": ["phone"], "roles": ["reviewer"], "extra": []}, "改动：电话"),
    (Act.USER_DISABLED, "user:3", {"at": 9}, "在其他机构的权限一并停用"),
    (Act.USERS_IMPORTED, "", {"people": 38}, "38 人"),
    (Act.USERS_EXPORTED, "", {"people": 38, "form": "xlsx"}, "38 人 · XLSX"),
    (Act.USER_PASSWORDS_TAKEN, "", {"people": 38}, "38 人"),
    (Act.USER_PICTURE_CHANGED, "user:3", {"kind": "signature", "removed": True}, "签名 · 移除"),
    (Act.CODE_SENT, "user:3", {"purpose": "bind", "why": ""}, "绑定手机"),
    (Act.CODE_REFUSED, "user:3", {"purpose": "forgot", "why": "code.wrong"}, "找回密码 · 验证码不正确"),
    (Act.IDENTITY_BOUND, "user:3", {"provider": "wechat"}, "微信"),
    (Act.PASSWORD_CHANGED, "user:3", {"first": True}, "首次登录"),
    (Act.PHONE_STEP_DONE, "user:3", {"method": "follow"}, "关注公众号"),
    (Act.SESSION_ENDED, "session:others", {}, "其他全部登录"),
    (Act.SIGNED_IN, "", {"method": "qr", "side": "admin"}, "扫码登录 · 管理端"),
    (Act.SIGN_IN_REFUSED, "user:3", {"waits": True}, "须等待后再试"),
    (
        Act.SIGN_IN_DECLINED,
        "",
        {"device": "Windows · Chrome", "computer": "112.17.4.8"},
        "Windows · Chrome · 112.**.**.8",
    ),
    (
        Act.ROLE_CHANGED,
        "role:reporter",
        {"before": ["report.read", "report.sign"], "after": ["report.read", "report.print"]},
        "报告医师 · 增加：打印报告 · 取消：初诊签发",
    ),
    (Act.ROLE_DELETED, "role:own-9", {"name": "规培", "before": ["report.read"]}, "规培"),
    (Act.ROLE_RENAMED, "role:own-9", {"name": "规培医师", "name_before": "规培"}, "规培 → 规培医师"),
    (Act.DEPARTMENT_ADDED, "department:4", {"name": "放射科"}, "放射科"),
    (Act.DEPARTMENT_CHANGED, "department:4", {"name": "放射科", "name_before": "影像"}, "影像 → 放射科"),
    (Act.DEPARTMENT_CHANGED, "department:4", {"name": "放射科", "disabled": True}, "放射科 · 停用"),
    (Act.INSTITUTION_CHANGED, "institution:1", {"changed": ["logo"]}, "江宁一院 · 改动：标志"),
    (Act.INSTITUTION_CHANGED, "institution:8", {"changed": ["logo"]}, "改动：标志"),  # of somebody else
    (Act.OFFICIAL_ACCOUNT_CHANGED, "institution:1", {"removed": True}, "江宁一院 · 移除"),
    (Act.IMAGE_RECEIVED, "study:1.2", {"images": 1200}, "1,200 幅"),
    (Act.REPORT_SIGNED, "study:1.2", {"version": 2}, "第 2 版"),
    (Act.REPORT_TAKEN, "study:1.2", {"fence": 3}, ""),
    (Act.REPORT_TAKEN_OVER, "study:1.2", {"from_user": 7, "version": 3}, "第 3 版 · 原编辑者：林望舒"),
    (Act.REPORT_REOPENED, "study:1.2", {"dropped": True}, "放弃修订"),
    (Act.STUDY_SEARCHED, "", {"by": ["PatientID"]}, "条件：PatientID"),
    (
        Act.AUDIT_EXPORTED,
        "",
        {"format": "csv", "entries": 12, "by": {"days": "week", "person": "*"}},
        "12 条 · CSV · 筛选：近一周、操作人",
    ),
    (Act.AUDIT_VERIFIED, "", {"entries": 9, "broken": "changed"}, "9 条 · 条目的内容在封存之后被改动"),
    (Act.DATA_REPAIRED, "", {"removed": 2, "dropped": 3}, "清除无主文件 2 个，清除可重新生成的文件 3 个"),
    (Act.DATA_REPAIRED, "study:1.2", {}, ""),
    (Act.DATA_CHANGED, "study:1.2", {"decision": "merge", "number": 7}, "合并患者 · 编号 7"),
    (Act.DATA_DECIDED, "instance:1.2", {"decision": "discarded", "number": 3}, "已丢弃 · 编号 3"),
    (Act.AUDIT_ANCHORED, "", {"former": 9, "number": 5, "reason": "磁盘"}, "链尾由第 9 条改为第 5 条 · 磁盘"),
]


@pytest.mark.parametrize(("act", "subject", "detail", "words"), SAID)
def test_an_entry_says_what_changed(act, subject, detail, words) -> None:
    assert said(act, "done", subject, detail, NAMES, "zh") == words
    english = said(act, "done", subject, detail, NAMES, "en")
    assert bool(english) == bool(words)
    known = (
        *NAMES.people.values(),
        *NAMES.places.values(),
        *NAMES.roles.values(),
        *map(str, detail.values()),
    )
    for name in known:
        english = english.replace(name, "")
    assert english.isascii() or "→" in english or "·" in english


def test_what_was_not_theirs_to_see_is_said_so() -> None:
    assert said(Act.STUDY_VIEWED, R, "study:1.2", {}, NAMES, "zh") == "不可见的检查，已按不存在回答"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("odd", [None, 7, True, "x" * 5000, ["a", 1], {"a": {"b": 1}}, [], "{version}"])
def test_whatever_a_detail_holds_is_one_bounded_line(odd, language) -> None:
    names = ("roles", "extra", "changed", "before", "after", "by", "why", "reason", "name", "version", "method",
             "purpose", "kind", "people", "from_user", "at", "computer", "device", "institution", "broken")  # fmt: skip
    for act in Act:
        for name in names:
            line = said(act, "done", "role:x", {name: odd}, NAMES, language)
            assert len(line) < 300


def test_every_act_has_an_event_of_the_standard() -> None:
    assert [act for act in Act if event_of(act) is _ANY] == []

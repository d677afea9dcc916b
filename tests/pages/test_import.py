from __future__ import annotations

from pathlib import Path

import pytest

from annotator import project
from db.answers import decisions
from db.label_sets import labels
from db.people import annotators
from db.texts.diaries import count_diaries, get_diary

_GOLDEN = Path(__file__).parent.parent / "golden" / "importing" / "formats"

DIARIES = """text,date,label,mood
"오늘은 종일 비가 왔다. 우산을 나눠 쓴 친구가 고마웠다.",2026-03-02,행복,3
"발표를 망쳤다. 머릿속이 하얘져서 한마디도 못 했다.",2026-03-03,당황,1
"발표를 망쳤다. 머릿속이 하얘져서 한마디도 못 했다.",2026-03-04,당황,1
"""


def _upload(app, content: bytes, name: str = "diaries.csv"):
    return app.file_uploader(key="import_file_0").upload(name, content, "text/csv").run()


def _pick(app, label: str, value: str):
    box = next(box for box in app.selectbox if box.label == label)
    return box.set_value(value).run()


def test_an_empty_project_shows_what_a_file_should_look_like(ready: Path, open_app) -> None:
    app = open_app("import_diaries")
    assert app.code[0].value.startswith("text,date,label")
    assert app.button(key="import_demo").label == "예시 일기로 둘러보기"


def test_a_file_is_shown_before_anything_is_kept(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.encode("cp949"))
    assert not app.error
    assert [box.value for box in app.main.selectbox] == ["", "", -1, "text", "label", "date", "", "", ""]
    assert any("cp949" in caption.value for caption in app.caption)
    assert list(app.dataframe[0].value.columns) == ["", "text", "date", "label", "mood"]
    with project.opened(ready) as db:
        assert count_diaries(db) == 0


def test_an_import_ends_with_its_report_and_an_empty_field(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.encode())
    app.button(key="import_start").click().run()
    assert not app.error
    assert "일기 2개와 판단 2개가 들어왔어요. 뺀 행 1개." in app.success[0].value
    assert [metric.value for metric in app.metric] == ["2", "2", "1"]
    assert "새로 말하는 것이 없는 같은 글 1행" in "\n".join(text.value for text in app.markdown)
    assert app.file_uploader(key="import_file_1").value == []
    with project.opened(ready) as db:
        assert get_diary(db, 1).metadata == {"mood": "3"}
        assert sum(decisions.count_by_label(db).values()) == 2


def test_without_the_label_column_nothing_is_decided(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.encode())
    _pick(app, "라벨", "")
    app.button(key="import_start").click().run()
    with project.opened(ready) as db:
        assert count_diaries(db) == 2
        assert decisions.last_decision_id(db) == 0


def test_without_a_text_column_the_button_waits(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.encode())
    _pick(app, "일기 글 (꼭 필요해요)", "")
    assert app.button(key="import_start").disabled


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "비어 있어요"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "이진 자료"),
        (DIARIES.encode("cp949").replace("당황".encode("cp949"), b"\xff\xff"), "인코딩"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(ready: Path, open_app, content: bytes, said: str) -> None:
    app = _upload(open_app("import_diaries"), content)
    assert said in app.error[0].value
    assert "import_start" not in [button.key for button in app.button]


def test_a_label_that_is_not_in_the_set_is_asked_about_and_added(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.replace("당황", "심심").encode())
    app.button(key="import_start").click().run()
    assert "심심" in app.radio[0].label
    assert app.radio[0].options == ["라벨 목록에 더해요(라벨 1개)", "그 라벨 없이 가져와요(2행). 딸린 정보로는 남아요"]
    assert app.button(key="import_start").disabled
    with project.opened(ready) as db:
        assert count_diaries(db) == 0
    app.radio[0].set_value("add").run()
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert [label.name for label in labels.list_labels(db)][-1] == "심심"


def test_several_files_have_one_preview_and_a_line_each(ready: Path, open_app) -> None:
    more = DIARIES.replace("오늘은", "내일은").replace("발표를", "시험을")
    uploads = [("3월.csv", DIARIES.encode(), "text/csv"), ("4월.csv", more.encode(), "text/csv")]
    app = open_app("import_diaries")
    app.file_uploader(key="import_file_0").set_value(uploads).run()
    assert "함께 가져올 파일: 4월.csv" in [caption.value for caption in app.caption]
    app.button(key="import_start").click().run()
    assert not app.error
    assert [line.value.partition(":")[0] for line in app.success] == ["3월.csv", "4월.csv"]
    assert [metric.value for metric in app.metric] == ["4", "4", "2"]
    with project.opened(ready) as db:
        assert count_diaries(db) == 4


def test_several_texts_are_one_import(ready: Path, open_app) -> None:
    uploads = [(f"2024-03-0{day}.txt", f"{day}일에는 비가 왔다.".encode(), "text/plain") for day in (1, 2)]
    app = open_app("import_diaries")
    app.file_uploader(key="import_file_0").set_value(uploads).run()
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert [get_diary(db, number).written_on for number in (1, 2)] == ["2024-03-01", "2024-03-02"]


def test_what_was_chosen_last_time_is_said_and_chosen_afresh_with_one_press(ready: Path, open_app) -> None:
    content = (_CASES / "15-several-labels-in-a-cell" / "in.csv").read_bytes()
    app = _upload(open_app("import_diaries"), content, "several.csv")
    app.button(key="import_start").click().run()
    app.radio[0].set_value("first").run()
    app.button(key="import_start").click().run()
    app.file_uploader(key="import_file_1").upload("again.csv", content, "text/csv").run()
    assert "지난번과 같이 읽었어요 (여러 라벨은 첫째만)" in [caption.value for caption in app.caption]
    app.button(key="import_afresh").click().run()
    assert not any("지난번과" in caption.value for caption in app.caption)
    app.button(key="import_start").click().run()
    assert "라벨이 둘 이상" in app.radio[0].label


def test_earlier_imports_are_listed(filled: Path, open_app) -> None:
    app = open_app("import_diaries")
    assert app.dataframe[0].value["파일"].tolist() == ["diaries.csv"]
    assert app.dataframe[0].value["가져온 일기"].tolist() == [6]


def test_labels_of_another_set_come_in_by_a_crosswalk(ready: Path, open_app) -> None:
    content = 'text,label\n"하루 종일 화가 가라앉지 않았다.",짜증\n"강아지가 무릎에서 잠들었다.",기쁨\n'.encode()
    app = _upload(open_app("import_diaries"), content)
    app = _pick(app, "파일의 라벨을 어떻게 옮길까요?", "kote")
    assert any("44줄" in expander.label for expander in app.expander)
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert decisions.count_by_label(db) == {1: 1, 2: 1}


def test_a_file_of_another_tool_is_recognised_and_comes_in_with_everybodys_decisions(ready: Path, open_app) -> None:
    content = (_GOLDEN / "label_studio.json").read_bytes()
    app = _upload(open_app("import_diaries"), content, "project.json")
    assert any(caption.value.startswith("Label Studio") for caption in app.caption)
    assert "사람마다" in app.info[0].value
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        names = {name for _, name in annotators.list_annotators(db)}
        assert names >= {"가져오기:Label Studio · 가람", "가져오기:Label Studio · 나루"}


def test_the_sentences_of_an_ai_hub_workbook_are_joined_unless_one_says_otherwise(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), (_GOLDEN / "aihub.xlsx").read_bytes(), "aihub.xlsx")
    assert app.multiselect[0].value == ["사람문장2"]
    _pick(app, "라벨", "")
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert get_diary(db, 1).text == "친구가 우산을 나눠 씌워 줬어. 응, 정말 고마웠어."


_CASES = Path(__file__).parent.parent / "golden" / "cases"


def test_a_file_without_a_heading_asks_first(ready: Path, open_app) -> None:
    content = (_CASES / "36-excel-csv-quirks" / "no_header.csv").read_bytes()
    app = _upload(open_app("import_diaries"), content, "no_header.csv")
    assert "열 이름인지 일기인지" in app.radio[0].label
    assert app.button(key="import_start").disabled
    app.radio[0].set_value("none").run()
    app.button(key="import_start").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert count_diaries(db) == 4


def test_a_question_about_rows_is_answered_and_the_file_comes_in(ready: Path, open_app) -> None:
    content = (_CASES / "15-several-labels-in-a-cell" / "in.csv").read_bytes()
    app = _upload(open_app("import_diaries"), content, "several.csv")
    app.button(key="import_start").click().run()
    assert "2행에 라벨이 둘 이상" in app.radio[0].label
    assert app.button(key="import_start").disabled
    app.radio[0].set_value("first").run()
    app.button(key="import_start").click().run()
    with project.opened(ready) as db:
        assert sum(decisions.count_by_label(db).values()) == 4


def test_the_lines_of_a_text_are_asked_about(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), "오늘은 비가 왔다.\n내일은 해가 난다.\n".encode(), "일기.txt")
    assert "2줄로 된 글" in app.radio[0].label
    app.radio[0].set_value("each").run()
    app.button(key="import_start").click().run()
    with project.opened(ready) as db:
        assert count_diaries(db) == 2


def test_columns_of_people_are_shown_and_kept(ready: Path, open_app) -> None:
    content = (_CASES / "19-excel-cells" / "two_row_header.xlsx").read_bytes()
    app = _upload(open_app("import_diaries"), content, "two.xlsx")
    assert ["평가자1", "평가자2"] in [box.value for box in app.multiselect]
    assert any("2행이 열 이름" in caption.value for caption in app.caption)
    app.button(key="import_start").click().run()
    with project.opened(ready) as db:
        assert sum(decisions.count_by_label(db).values()) == 12


def test_the_heading_and_the_sheets_can_be_corrected(ready: Path, open_app) -> None:
    content = (_CASES / "18-excel-sheets" / "months.xlsx").read_bytes()
    app = _upload(open_app("import_diaries"), content, "months.xlsx")
    sheets = next(box for box in app.multiselect if box.label == "읽을 시트")
    sheets.set_value(["4월"]).run()
    app.button(key="import_start").click().run()
    with project.opened(ready) as db:
        assert count_diaries(db) == 3


def test_an_import_is_taken_back_on_the_page(ready: Path, open_app) -> None:
    app = _upload(open_app("import_diaries"), DIARIES.encode())
    app.button(key="import_start").click().run()
    _pick(app, "되돌릴 가져오기", 1)
    assert "일기 2개가 지워지고" in "\n".join(text.value for text in app.markdown)
    app.button(key="import_back_1").click().run()
    assert not app.error
    with project.opened(ready) as db:
        assert count_diaries(db) == 0

"""A tiny server for the label board: it keeps what arrives in a file, as the real one does in its database.

    streamlit run harness_label_board.py -- FOLDER

What stands behind the question mark of its address: ``state``, name of the file in the folder; ``delay``, seconds that
each run takes; ``diaries``, how many there are; ``case`` for diaries of a special kind; ``keys`` of the labels;
``further`` to ask for further emotions and intensity; ``break_minutes`` after which a break is suggested.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import streamlit as st

from annotator.label_sets.definitions import DEFAULT_LABELS
from pages.components.label_board import (
    BoardData,
    ItemData,
    LabelData,
    PreviousData,
    RationaleData,
    RecentData,
    board_strings,
    label_board,
    read_client,
)

LOOKAHEAD = 6
ASKED = st.query_params
STATE = Path(sys.argv[1]) / ASKED.get("state", "events.jsonl")
KEY = f"board-{STATE.stem}"
DELAY = float(ASKED.get("delay", "0"))
CASE = ASKED.get("case", "")
COUNT = int(ASKED.get("diaries", "60"))
KEYS = ASKED.get("keys", "1234567")
FURTHER = bool(ASKED.get("further"))
BREAK_MINUTES = int(ASKED.get("break_minutes", "0"))
HOSTILE = (
    "<img src=x onerror='window.hit=1'> **굵게** :smile: $x$ 5~6시, 7~8시\n"
    "\u202e거꾸로\u202c <script>window.hit=1</script> 🙂 끝."
)

NEGATION = "울지 않았다."

LONG = (
    "아침에 눈을 뜨니 창밖으로 비가 내리고 있었다. 어제 동생이랑 크게 싸운 일이 자꾸 생각나서 이불 속에서 한참을 "
    "뒤척였다. 엄마가 부르는 소리에 겨우 일어났는데 식탁 위에 동생이 써 놓은 쪽지가 있었다.\n미안하다고, 자기가 먼저 "
    "화를 내서 그랬다고 적혀 있었다. 그걸 읽는데 갑자기 눈물이 났다🥲 나도 사과하고 싶었는데 늘 동생이 먼저다. "
    "그래도 저녁에는 같이 떡볶이를 먹었다. 별말은 안 했지만 둘 다 조금 웃었다. 혼자였으면 오늘 하루가 너무 길었을 것 "
    "같다. 내일은 내가 먼저 말을 걸어 봐야지. 자기 전에 이렇게 적어 두니까 마음이 조금 가벼워진다. 비도 이제 그쳤다."
)


@st.cache_resource
def lock() -> threading.Lock:
    """Scripts of several tabs run in threads."""
    return threading.Lock()


def entries() -> list[dict[str, Any]]:
    """Return every event that was kept, in order, each with its holder."""
    return [json.loads(line) for line in STATE.read_text("utf-8").splitlines()] if STATE.exists() else []


def receive() -> None:
    """Keep the new events of the browser; each token counts once."""
    client = read_client(KEY)
    if client is None:
        return
    time.sleep(DELAY)
    with lock(), STATE.open("a", encoding="utf-8") as file:
        kept = entries()
        tokens = {entry["token"] for entry in kept}
        acked = acked_by(kept, client["holder"])
        for event in client["events"]:
            if event["seq"] > acked and event["token"] not in tokens:
                file.write(json.dumps({**event, "holder": client["holder"]}, ensure_ascii=False) + "\n")


def acked_by(kept: list[dict[str, Any]], holder: str) -> int:
    """Return the highest number that was kept for a tab."""
    return max((entry["seq"] for entry in kept if entry["holder"] == holder), default=0)


def standing(kept: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the decisions in force, oldest first, and those taken back since, newest first."""
    decided: list[dict[str, Any]] = []
    undone: list[dict[str, Any]] = []
    for entry in kept:
        if entry["kind"] == "rationale":
            continue
        if entry["kind"] != "undo":
            decided.append(entry)
            undone = [other for other in undone if other["diary_id"] != entry["diary_id"]]
        else:
            undone[:0] = [other for other in decided if other["token"] == entry["undoes"]]
            decided = [other for other in decided if other["token"] != entry["undoes"]]
    return decided, undone


def text_of(diary_id: int) -> str:
    """Return the text of a diary."""
    if CASE == "hostile":
        return HOSTILE
    if CASE == "long" and diary_id % 2 == 1:
        return LONG
    if CASE == "negation":
        return f"{diary_id}번째 일기. 오늘은 {NEGATION}"
    return f"{diary_id}번째 일기. 오늘은 눈물이 났다. 그래도 괜찮다."


def spans_of(text: str, stops: str) -> list[list[int]]:
    """Return the spans that end after a stop character."""
    spans, start = [], 0
    for i, character in enumerate(text):
        if character in stops or i == len(text) - 1:
            piece = text[start : i + 1]
            lead = len(piece) - len(piece.lstrip())
            if piece.strip():
                spans.append([start + lead, start + lead + len(piece.strip())])
            start = i + 1
    return spans


def item(diary_id: int, lease: int, undone: list[dict[str, Any]]) -> ItemData:
    """Return a diary as the board wants it."""
    text = text_of(diary_id)
    words = spans_of(text, " \n")
    sentences = spans_of(text, ".\n")
    quoted = text[: text.index(">") + 1] if CASE == "hostile" else "눈물이"
    speaks = {
        "눈물이": 0.9,
        "싸운": 0.5,
        "혼자였으면": 0.6,
        "그래도": -0.7,
        "웃었다.": -0.4,
        "비가": 0.2,
        "울지": 0.8,
        "않았다.": -1.2,
    }
    weights = [
        [speaks.get(text[a:b], 0.0) * (1 if k == 4 else -0.5 if k == 1 else 0.1) for k in range(7)] for a, b in words
    ]
    is_blind = CASE == "blind" or (CASE == "long" and diary_id % 7 == 6)
    back = next((other for other in undone if other["diary_id"] == diary_id), None)
    return {
        "token": f"lease-{diary_id}-{lease}",
        "diary_id": diary_id,
        "text": text,
        "sentences": sentences,
        "blind": is_blind,
        "care": CASE == "care",
        "prediction": None
        if is_blind
        else {
            "model_id": 3,
            "model_version": 2,
            "proba": [0.05, 0.09, 0.27, 0.03, 0.41, 0.11, 0.04],
            "label_index": 4,
        },
        "explanation": None
        if is_blind
        else {
            "spans": words,
            "weights": weights,
            "fit": [0.6] * 7,
            "stability": 0.9,
            "arc": [[0.1, 0.1, 0.6 - 0.1 * (i % 3), 0.1, 0.1 + 0.2 * (i % 3), 0.0, 0.0] for i in range(len(sentences))],
            "groups": [[text.index(NEGATION), text.index(NEGATION) + len(NEGATION)]] if NEGATION in text else [],
            "sentence": f"‘{quoted}’ 때문에 슬픔으로 봤어요.",
            "contrast": f"불안이 아닌 이유: ‘{quoted}’",
            "deletion": "이 낱말을 빼면 슬픔이 41%에서 20%로 떨어져요.",
        },
        "why": "모델이 두 감정 사이에서 망설여서 골랐어요 (슬픔 41%, 불안 27%)",
        "written_on": "2025-03-01",
        "author": "석사3년차",
        "previous": None if back is None else {**said(back), "memo": back["memo"]},
        "rationales": marks_on(diary_id),
    }


def said(entry: dict[str, Any]) -> PreviousData:
    """Return what a decision says; without the options a browser sends nothing of further emotions."""
    others, intensity = entry.get("other_label_ids", []), entry.get("intensity")
    return {
        "kind": entry["kind"],
        "label_id": entry["label_id"],
        "memo": entry["memo"],
        "other_label_ids": others,
        "intensity": intensity,
    }


def recent(entry: dict[str, Any]) -> RecentData:
    """Return a decision as the history strip shows it."""
    made = said(entry)
    return {
        "token": entry["token"],
        "diary_id": entry["diary_id"],
        "kind": made["kind"],
        "label_id": made["label_id"],
        "other_label_ids": made["other_label_ids"],
        "intensity": made["intensity"],
    }


def marks_on(diary_id: int) -> list[RationaleData]:
    """Return the marks in force on a diary's words."""
    marks = {}
    for entry in entries():
        if entry["kind"] == "rationale" and entry["diary_id"] == diary_id:
            marks[tuple(entry["span"])] = entry
    return [
        {"span": e["span"], "verdict": e["verdict"], "label_id": e["label_id"]}
        for e in marks.values()
        if e["verdict"] != "none"
    ]


def label(position: int, key: str) -> LabelData:
    """Return one of the demo's labels; they repeat when there are more keys than labels."""
    known = DEFAULT_LABELS[position % len(DEFAULT_LABELS)]
    name = known.name if position < len(DEFAULT_LABELS) else f"{known.name}·{position}"
    return {"id": position + 1, "name": name, "colour": known.colour, "key": key, "definition": known.definition}


def board() -> BoardData:
    """Return what the board shows."""
    kept = entries()
    client = read_client(KEY)
    decided, undone = standing(kept)
    done = {entry["diary_id"] for entry in decided}
    back = [other["diary_id"] for other in undone]
    order = [*back, *(i for i in range(1, COUNT + 1) if i not in back)]
    leases = {i: sum(e["diary_id"] == i and e["kind"] != "rationale" for e in kept) for i in order}
    left = [i for i in order if i not in done]
    return {
        "scope": ASKED.get("scope", STATE.stem),
        "browser_key": ASKED.get("key", "ab" * 32),
        "holder": client and client["holder"],
        "strings": board_strings("ko"),
        "labels": [label(i, key) for i, key in enumerate(KEYS)],
        "items": [item(i, leases[i], undone) for i in left[:LOOKAHEAD]] if client else [],
        "acked": acked_by(kept, client["holder"]) if client else 0,
        "counts": {"left": len(left), "mine": sum(e["kind"] == "label" for e in decided), "since_round": len(decided)},
        "refusals": [],
        "recent": [recent(e) for e in reversed(decided[-8:])],
        "guide": [],
        "several_labels": FURTHER,
        "intensity": FURTHER,
        "break_minutes": BREAK_MINUTES,
        "notice": None,
        "empty": None if left else "모두 끝났어요. 고마워요!",
    }


st.set_page_config(page_title="harness", layout="wide")
with st.sidebar:
    st.text_input("다른 칸", key="other")
    st.radio("라디오", ["하나", "둘"], key="radio")
label_board(board(), key=KEY, on_change=receive)
st.text(f"kept {len(entries())}")

"""Every member of a group is near its centre, no row is in two groups, and cells are bounded."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from learner.data_quality.tight_groups import cut, find_groups


@settings(max_examples=40)
@given(st.integers(0, 60), st.integers(1, 6), st.floats(0.3, 0.99), st.integers(0, 10**6))
def test_members_are_near_their_centre_and_in_one_group_alone(n: int, width: int, near: float, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(0, 1, (n, width)).astype(np.float32)
    groups = find_groups(vectors, near=near, fewest=2, most=7)
    members = np.concatenate([*groups, np.zeros(0, np.int64)]).astype(int)
    assert len(set(members.tolist())) == len(members)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    for rows in groups:
        assert 2 <= len(rows) <= 7
        cosines = unit[rows] @ unit[rows[0]]
        assert (cosines >= near - 1e-5).all()
        assert (np.diff(cosines[1:]) <= 1e-5).all(), "the nearest to the centre first"
    assert [len(rows) for rows in groups] == sorted((len(rows) for rows in groups), reverse=True)
    alone = np.setdiff1d(np.arange(n), members)
    assert not (np.triu(unit[alone] @ unit[alone].T, 1) >= near + 1e-5).any(), "no two that are near are left over"


def test_a_chain_of_neighbours_is_no_group() -> None:
    angles = np.arange(0, 180, 10) * np.pi / 180
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    for rows in find_groups(vectors, near=float(np.cos(np.pi / 17)), fewest=2, most=99):
        assert len(rows) <= 3


@settings(max_examples=30)
@given(st.integers(0, 400), st.integers(5, 80), st.integers(0, 10**6))
def test_cells_are_bounded_and_hold_every_id_once(n: int, most: int, seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(0, 1, (n, 4)).astype(np.float32)
    ids = np.sort(np.random.default_rng(seed).permutation(1000)[:n]).astype(np.int64)
    place = {int(i): row for row, i in enumerate(ids)}
    cells = cut(ids, lambda some: vectors[[place[int(i)] for i in some]].reshape(-1, 4), most=most)
    assert all(0 < len(cell) <= most for cell in cells)
    assert sorted(np.concatenate([*cells, np.zeros(0, np.int64)]).astype(int).tolist()) == ids.tolist()


def test_what_lies_close_stays_in_one_cell() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (200, 16))
    vectors = np.repeat(centres, 5, axis=0).astype(np.float32) + rng.normal(0, 0.02, (1000, 16)).astype(np.float32)
    cells = cut(np.arange(1000), lambda ids: vectors[ids], most=260)
    cell_of = np.empty(1000, int)
    for number, cell in enumerate(cells):
        cell_of[cell] = number
    together = (cell_of.reshape(200, 5) == cell_of.reshape(200, 5)[:, :1]).all(axis=1)
    assert len(cells) == 4
    assert together.mean() > 0.9

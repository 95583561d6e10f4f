# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""Public data sets by name: which records of Zenodo hold them.

Only the records' numbers stand here. Files, sizes, checksums and licences are asked of the record itself at the time
of the download, so that they cannot go out of date. The numbers are those of the sets' own pages and of the download
scripts of the DCASE baselines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicSet:
    """A data set that can be downloaded.

    Attributes
    ----------
    title
        For people.
    records
        Numbers of records at Zenodo.
    own_folders
        Unpack each archive into a folder of its own name: MIMII's archives of three SNRs hold the same paths.
    """

    title: str
    records: tuple[int, ...]
    own_folders: bool = False


def _task2(year: int, what: str, *records: int) -> PublicSet:
    return PublicSet(f"DCASE {year} task 2, {what}", records)


SETS: dict[str, PublicSet] = {
    "mimii": PublicSet("MIMII: fans, pumps, slide rails and valves, 8 microphones, three SNRs", (3384388,), True),
    "toyadmos": PublicSet("ToyADMOS: toy cars, conveyors and trains (archives are left packed)", (3351307,)),
    "dcase2020": _task2(2020, "development", 3678171),
    "dcase2020-eval": _task2(2020, "evaluation: additional training and test", 3727685, 3841772),
    "dcase2021": _task2(2021, "development", 4562016),
    "dcase2021-eval": _task2(2021, "evaluation: additional training and test", 4660992, 4884786),
    "dcase2022": _task2(2022, "development", 6355122),
    "dcase2022-eval": _task2(2022, "evaluation: additional training and test", 6462969, 6586456),
    "dcase2023": _task2(2023, "development", 7882613),
    "dcase2023-eval": _task2(2023, "evaluation: additional training and test", 7830345, 7860847),
    "dcase2024": _task2(2024, "development", 10902294),
    "dcase2024-eval": _task2(2024, "evaluation: additional training and test", 11259435, 11363076),
    "dcase2025": _task2(2025, "development", 15097779),
    "dcase2025-eval": _task2(2025, "evaluation: additional training and test", 15392814, 15519362),
    "dcase2026": _task2(2026, "development, two channels", 19336329),
    "dcase2026-eval": _task2(2026, "evaluation: additional training and test, two channels", 20151556, 20437238),
}

# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0
"""The search: processes that draw candidates from one Optuna study, which a file keeps.

Candidates come from a tree-structured Parzen estimator; those over the budget are dropped before they are trained, and
successive halving drops the worse ones after the first folds. The file is a journal: each finished trial is in it, so a
search that was killed goes on where it was.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ...alarm.deafness import DeafError
from ...bundle import Bundle, read_bundle, write_bundle
from ...bundle.cost import Cost
from ...data import Dataset
from ...errors import DataError, ModelError, TocsinError, quiet_libraries, reason
from ...extras import require
from ..kinds import KINDS
from ..models.uses import packages_for
from ..options import TrainOptions
from ..train import Trained, choose_features, is_stacked, train
from .judge import FOLDS, Against, Judge, make_judge
from .lock import lock
from .space import Budget, Recordings, least_cost, suggest, true_cost

if TYPE_CHECKING:
    import optuna

NAME = "tocsin-tune"
# The last training has all recordings and tries the threshold: so many times what a fold takes.
LAST_TRAINING = 3.0
# Exit status of a process that the system kept from writing: this and the error's number.
_BY_SYSTEM = 100
DEFAULT = "default"  # user attribute of trials that are `tocsin train`'s own defaults
FIRST = "first"  # user attribute: AUC, bytes and instructions of the first fold
SECONDS = "seconds"  # user attribute: what the first fold took
FAILED = "failed"  # user attribute: why a trial failed
SPACE = 3  # counts up when candidates are drawn from another space: an older journal cannot go on


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """How to search.

    Attributes
    ----------
    base
        Budget of false alarms, seed, shares and so on; kind, front end and sizes are searched.
    budget
        What the device has.
    kinds
        Kinds of models to try.
    seconds
        Time for the search and the training of the best; trials at work then are cut short. None: no limit.
    trials
        Number of trials in the study at which no other is started; None: no limit.
    jobs
        Processes.
    folds
        Of the cross-validation.
    against
        What stands in for anomalies, see :mod:`tocsin.learn.tune.judge`.
    study
        File of the journal.
    """

    base: TrainOptions
    budget: Budget
    study: Path
    kinds: tuple[str, ...] = KINDS
    seconds: float | None = 3600.0
    trials: int | None = None
    jobs: int = 1
    folds: int = FOLDS
    against: Against = "pseudo"

    def judge(self, dataset: Dataset) -> Judge:
        """By what candidates are compared."""
        return make_judge(dataset, self.base, folds=self.folds, against=self.against)


@dataclass(frozen=True)
class Finished:
    """A trial that went through all folds.

    Attributes
    ----------
    number
        In the study.
    auc
        By which it is compared, averaged over folds; see :mod:`tocsin.learn.tune.judge`.
    cost
        Greatest of its folds' bundles.
    options
        What was trained.
    default
        Whether these are `tocsin train`'s defaults.
    """

    number: int
    auc: float
    cost: Cost
    options: TrainOptions
    default: bool


@dataclass(frozen=True)
class Tuned:
    """The result.

    Attributes
    ----------
    finished
        Trials that went through all folds, best first.
    front
        Those that no other beats in AUC, flash and instructions together.
    counts
        Trials by what became of them.
    failures
        Reasons of trials that failed, and how many have each, the most frequent first.
    criterion
        What their AUC is, in words.
    deaf
        Numbers of better trials that were passed over, because what was trained as they say cannot raise an alarm.
    best
        The bundle trained as the best of them, on all healthy recordings; None where nothing was written.
    """

    finished: list[Finished]
    front: list[Finished]
    counts: dict[str, int]
    failures: dict[str, int]
    criterion: str
    deaf: tuple[int, ...] = ()
    best: Trained | None = field(default=None)


def _quiet() -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)


class _Lock:
    """Optuna's lock of the journal: the kernel's, on the journal itself. It is gone with a process that was killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Wait for the others."""
        file = self._path.open("a")  # closed by release()
        lock(file, wait=True)
        self._file = file
        return True

    def release(self) -> None:
        """Let the others in."""
        assert self._file is not None
        self._file.close()
        self._file = None


def _open(options: TuneOptions, *, seed: int = 0) -> optuna.Study:
    """The study of the journal, with a sampler of its own seed."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    _quiet()
    try:
        journal_lock: Any = _Lock(options.study)
        storage = JournalStorage(JournalFileBackend(str(options.study), journal_lock))
        return optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize",
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=12),
            pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
        )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{options.study} is not a study that can be read ({error}). Name another --study.") from error


@contextmanager
def _alone(study: Path) -> Iterator[None]:
    """Refuse a second search on the same study; nothing but the study is left afterwards."""
    path = study.with_name(study.name + ".busy")
    try:
        with path.open("w") as busy:
            # A search that has just ended may have removed the file before it was locked.
            if not (
                lock(busy, wait=False) and path.exists() and os.path.samestat(os.fstat(busy.fileno()), path.stat())
            ):
                raise DataError(f"Another search is at work on {study}. Wait for it, or name another --study.")
            try:
                yield
            finally:
                # Windows removes no file that is open.
                if os.name == "posix":
                    path.unlink(missing_ok=True)
        if os.name != "posix":
            with suppress(PermissionError):  # another has opened it since
                path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{study} cannot be written: {reason(error)}. Name another --study.") from error


def _fingerprint(dataset: Dataset, options: TuneOptions, judge: Judge) -> dict[str, Any]:
    """What must be the same for trials of two runs to be compared."""
    names = "\n".join(clip.name for clip in judge.clips)
    return {
        "data": dataset.root.resolve().name,
        "recordings": len(judge.clips),
        "names": f"{zlib.crc32(names.encode()):08x}",
        "seed": options.base.seed,
        "folds": options.folds,
        "against": judge.against,
        "front_end": asdict(options.base.front_end),
        "budget": asdict(options.budget),
        "validation": options.base.validation,
        "space": SPACE,
    }


def _prepare(study: optuna.Study, found: dict[str, Any], options: TuneOptions) -> None:
    """Check that a study is of this search, and put trials that a kill cut short back into the queue."""
    import optuna

    known = study.user_attrs.get("search")
    if known is None:
        study.set_user_attr("search", found)
        for kind in options.kinds:
            study.enqueue_trial({}, user_attrs={DEFAULT: kind})
    elif known != json.loads(json.dumps(found)):
        different = ", ".join(sorted(key for key in found if known.get(key) != json.loads(json.dumps(found[key]))))
        raise DataError(
            f"{options.study} is of another search: {different} differ. Give the same options, or another --study."
        )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        # A worker may have outlived the search that was killed, and finish meanwhile: its result counts.
        try:
            told = study.tell(trial.number, state=optuna.trial.TrialState.FAIL, skip_if_finished=True)
        except optuna.exceptions.UpdateFinishedTrialError:
            continue
        if told.state != optuna.trial.TrialState.FAIL:
            continue
        default = trial.user_attrs.get(DEFAULT)
        study.enqueue_trial(trial.params, user_attrs={DEFAULT: default} if default else None)


def _options_of(trial: Any, options: TuneOptions, fits: Recordings) -> TrainOptions:
    default = trial.user_attrs.get(DEFAULT)
    if default:
        return replace(options.base, kind=default)
    return suggest(trial, options.kinds, fits, options.base)


def _objective(judge: Judge, options: TuneOptions) -> Callable[[optuna.Trial], float]:
    def objective(trial: optuna.Trial) -> float:
        try:
            return _try(trial, judge, options)
        except TocsinError as error:
            trial.set_user_attr(FAILED, str(error))
            raise

    return objective


def _try(trial: optuna.Trial, judge: Judge, options: TuneOptions) -> float:
    """Train and judge a candidate fold by fold, as long as it is worth it; its mean AUC."""
    import optuna

    chosen = _options_of(trial, options, judge.recordings)
    # Defaults are what all others are measured by: they go through all folds.
    spared = DEFAULT in trial.user_attrs
    if not spared and tried_before(trial):
        trial.set_user_attr("dropped", "tried before")
        raise optuna.TrialPruned
    features = choose_features(judge.dataset, judge.clips, chosen, stacked=is_stacked(chosen))
    _check(trial, options.budget, least_cost(features, chosen))
    values: list[float] = []
    bundles: list[Bundle] = []
    for number in range(options.folds):
        begun = time.monotonic()
        value, bundle = judge.fold(number, chosen)
        if number == 0:
            trial.set_user_attr(SECONDS, time.monotonic() - begun)
        values.append(value)
        bundles.append(bundle)
        cost = true_cost(bundles)
        trial.set_user_attr("cost", asdict(cost))
        _check(trial, options.budget, cost)
        trial.report(float(np.mean(values)), number + 1)
        if number == 0 and not spared and same_in_effect(trial, value, cost):
            trial.set_user_attr("dropped", "tried before, with options that come to the same")
            raise optuna.TrialPruned
        if number + 1 < options.folds and not spared and trial.should_prune():
            trial.set_user_attr("dropped", f"worse than half of the others after fold {number + 1}")
            raise optuna.TrialPruned
    trial.set_user_attr("folds", values)
    return float(np.mean(values))


def tried_before(trial: optuna.Trial) -> bool:
    """Whether another trial, at work or done, has the same parameters: a sampler that has settled repeats itself."""
    import optuna

    state = optuna.trial.TrialState
    others = trial.study.get_trials(deepcopy=False, states=(state.COMPLETE, state.PRUNED, state.RUNNING))
    return any(other.params == trial.params for other in others if other.number < trial.number)


def same_in_effect(trial: optuna.Trial, value: float, cost: Cost) -> bool:
    """Whether another trial, at work or done, came to the same AUC, bytes and instructions in its first fold.

    Options of different values may come to the same detector: more references than there are recordings, say.
    """
    import optuna

    state = optuna.trial.TrialState
    trial.set_user_attr(FIRST, [value, cost.flash, cost.instructions])
    others = trial.study.get_trials(deepcopy=False, states=(state.COMPLETE, state.PRUNED, state.RUNNING))
    return any(
        other.user_attrs.get(FIRST) == trial.user_attrs[FIRST] for other in others if other.number < trial.number
    )


def _check(trial: optuna.Trial, budget: Budget, cost: Cost) -> None:
    import optuna

    excess = budget.excess(cost)
    if excess:
        trial.set_user_attr("dropped", f"over budget: {excess}")
        raise optuna.TrialPruned


def _full(study: optuna.Study, options: TuneOptions) -> bool:
    """Whether the study has as many trials as asked for."""
    import optuna

    if options.trials is None:
        return False
    state = optuna.trial.TrialState
    counted = study.get_trials(deepcopy=False, states=(state.COMPLETE, state.PRUNED, state.RUNNING))
    return len(counted) >= options.trials


def _work(dataset: Dataset, options: TuneOptions, number: int, deadline: float | None) -> None:
    """One process: trials until time or number are reached."""
    parent = os.getppid()
    quiet_libraries()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)  # killed without a word: this process must not go on beside the next search

    threading.Thread(target=watch, daemon=True).start()
    study = _open(options)
    # Another seed for each process and after each resumption: the same one would draw the same candidates again.
    tried = len(study.get_trials(deepcopy=False))
    seed = np.random.SeedSequence([options.base.seed, number, tried]).generate_state(1)[0]
    study = _open(options, seed=int(seed))
    objective = _objective(options.judge(dataset), options)
    try:
        while not _full(study, options) and (deadline is None or time.time() < deadline):
            study.optimize(objective, n_trials=1, catch=(TocsinError,))
    except Exception as error:
        cause = system_error(error)
        if cause is None:
            raise
        os._exit(_BY_SYSTEM + (cause.errno or 0))  # told by the parent, once and without a traceback


def system_error(error: BaseException | None) -> OSError | None:
    """The system's error (a full disk) that `error` follows from, if any."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def finished_trials(study: optuna.Study, options: TuneOptions, fits: Recordings) -> list[Finished]:
    """Trials that went through all folds, best first."""
    import optuna

    found = []
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)):
        fixed: Any = optuna.trial.FixedTrial(trial.params)
        for key, value in trial.user_attrs.items():
            fixed.set_user_attr(key, value)
        chosen = _options_of(fixed, replace(options, kinds=KINDS), fits)
        assert trial.value is not None
        cost = Cost(**trial.user_attrs["cost"])
        found.append(Finished(trial.number, trial.value, cost, chosen, DEFAULT in trial.user_attrs))
    return sorted(found, key=lambda item: (-item.auc, item.cost.flash, item.number))


def pareto_front(finished: list[Finished]) -> list[Finished]:
    """Those that no other is at least as good as in AUC, flash and instructions; of equals the first."""

    def place(item: Finished) -> tuple[float, ...]:
        return (-item.auc, item.cost.flash, item.cost.instructions)

    def beats(a: Finished, b: Finished) -> bool:
        return place(a) != place(b) and all(x <= y for x, y in zip(place(a), place(b), strict=True))

    first = {place(item): item for item in reversed(finished)}.values()
    return [item for item in finished if item in first and not any(beats(other, item) for other in finished)]


def _counts(study: optuna.Study) -> dict[str, int]:
    """Trials by what became of them."""
    counts = {"finished": 0, "over_budget": 0, "halved": 0, "repeated": 0, "failed": 0, "cut_short": 0}
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "COMPLETE":
            counts["finished"] += 1
        elif trial.state.name == "PRUNED":
            reason = str(trial.user_attrs.get("dropped", ""))
            names = {"over": "over_budget", "tried": "repeated"}
            counts[names.get(reason.split(" ", 1)[0], "halved")] += 1
        elif trial.state.name == "FAIL" and FAILED in trial.user_attrs:
            counts["failed"] += 1
        elif trial.state.name in ("FAIL", "RUNNING"):
            counts["cut_short"] += 1
    return counts


def failures(study: optuna.Study) -> dict[str, int]:
    """Why trials failed, and how many for each reason, the most frequent first."""
    reasons = Counter(t.user_attrs[FAILED] for t in study.get_trials(deepcopy=False) if FAILED in t.user_attrs)
    return dict(reasons.most_common())


def _reserve(study: optuna.Study) -> float:
    """Seconds to keep for training the best so far on all recordings.

    A fold knows features that an earlier trial computed, and the last training computes all. So the slowest first fold
    of that kind counts.
    """
    done = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    best = max(done, key=lambda trial: trial.value or 0.0, default=None)
    if best is None:
        return 0.0
    alike = (t for t in done if t.params.get("kind") == best.params.get("kind"))
    return LAST_TRAINING * max(float(t.user_attrs.get(SECONDS, 0.0)) for t in alike)


def _time_is_up(study: optuna.Study, options: TuneOptions, deadline: float | None) -> bool:
    """Whether the search must end, for the best to be trained by the deadline; half of the time is the search's."""
    if deadline is None or options.seconds is None:
        return False
    return time.time() > deadline - min(_reserve(study), options.seconds / 2)


def _search(
    dataset: Dataset, options: TuneOptions, study: optuna.Study, deadline: float | None, told: Callable[[str], None]
) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_work, args=(dataset, options, number, deadline), daemon=True)
        for number in range(options.jobs)
    ]
    # One thread a process: more would only take the processors from each other. A child inherits them when it starts;
    # this process, which trains the best in the end, is left as `tocsin train` would be.
    before = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        for worker in workers:
            worker.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        seen = -1
        while any(worker.is_alive() for worker in workers):
            time.sleep(0.5)
            done = sum(_counts(study).values())
            if done != seen:
                seen = done
                told(_standing(study, done))
            # What is at work then is cut short, and taken up again by the next search on this study.
            if _time_is_up(study, options, deadline):
                break
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    for code in (worker.exitcode or 0 for worker in workers):
        if code >= _BY_SYSTEM:
            why = reason(OSError(code - _BY_SYSTEM, os.strerror(code - _BY_SYSTEM)))
            raise DataError(f"{options.study} cannot be written: {why}. Finished trials are kept.")
    if any(worker.exitcode not in (0, -15) for worker in workers):
        raise ModelError("A process of the search broke down; what it printed is above. Finished trials are kept.")


def _standing(study: optuna.Study, done: int) -> str:
    """How far the search is, in a line."""
    values = [t.value or 0.0 for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    best = f"best AUC {max(values):.4f}" if values else "none through all folds yet"
    return f"{done} trial{'' if done == 1 else 's'}, {best}"


def tune(
    dataset: Dataset, out: Path | None, options: TuneOptions, *, told: Callable[[str], None] = lambda _: None
) -> Tuned:
    """Search, and write the bundle of the best candidate to `out` (None: nowhere).

    Parameters
    ----------
    told
        Called with a line whenever a trial ended.

    Raises
    ------
    DataError
        The data cannot be used, the study is of another search, or no candidate fits the budget.
    """
    require("optuna", *packages_for(options.kinds))
    deadline = None if options.seconds is None else time.time() + options.seconds
    with _alone(options.study):
        judge = options.judge(dataset)
        study = _open(options)
        _prepare(study, _fingerprint(dataset, options, judge), options)
        if not _full(study, options) and (options.seconds is None or options.seconds > 0):
            _search(dataset, options, study, deadline, told)
        finished = finished_trials(study, options, judge.recordings)
        counts, why = _counts(study), failures(study)
    if not finished:
        raise DataError(_nothing(counts, why))
    front = pareto_front(finished)
    if out is None:
        return Tuned(finished, front, counts, why, judge.criterion)
    deaf: dict[int, DeafError] = {}
    for item in finished:
        try:
            trained = train(dataset, None, item.options)
        except DeafError as error:
            told(f"trial {item.number} cannot raise an alarm")
            deaf[item.number] = error
            continue
        # Trained on more recordings than in a fold, with its record: it may have become a little larger.
        if not options.budget.excess(true_cost([trained.bundle])):
            chosen = {
                "criterion": judge.criterion,
                "auc": round(item.auc, 4),
                "folds": options.folds,
                "trial": item.number,
                "trials": sum(counts.values()),
            }
            return Tuned(finished, front, counts, why, judge.criterion, tuple(deaf), _write(trained, out, chosen))
    if deaf:
        raise next(iter(deaf.values()))
    raise DataError("No candidate fits the budget once trained on all recordings. Give a larger --flash.")


def _nothing(counts: dict[str, int], why: dict[str, int]) -> str:
    """What to say where no candidate came through."""
    text = (
        f"None of {sum(counts.values())} candidates came through ({counts['over_budget']} over budget,"
        f" {counts['failed']} failed, {counts['cut_short']} cut short). Give more time, or a larger budget."
    )
    for cause, count in list(why.items())[:3]:
        text += f" {count} failed: {cause}"
    return text


def _write(trained: Trained, out: Path, chosen: dict[str, Any]) -> Trained:
    """Write the best bundle, with how it was chosen in its record."""
    bundle = trained.bundle
    raw = write_bundle(
        out,
        features=bundle.features,
        normalisation=bundle.normalisation,
        model=bundle.model,
        decision=bundle.decision,
        meta={**bundle.meta, "tune": chosen},
        duty=bundle.duty,
    )
    return replace(trained, raw=raw, bundle=read_bundle(raw))


__all__ = ["Finished", "TuneOptions", "Tuned", "finished_trials", "pareto_front", "tune"]

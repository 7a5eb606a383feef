"""Where everything lies under `results`, for one dataset of a config. No file is opened.

`Paths` is what rules ask for the files of one dataset. Views are [clips, crops]; in a path they are `2x1`.
"""

import glob
import json
from collections.abc import Sequence
from pathlib import Path

from egokd.config.experiment import Experiment
from egokd.datasets.formats import FORMATS
from egokd.errors import UserError
from egokd.evaluation.view_settings import source_of
from egokd.modalities import MODALITIES
from egokd.names import RGB_BASELINE, baseline_of, ensemble_of, student_of
from egokd.planning import models

Views = tuple[int, int]
TEST = "/test"  # the subset of the test split, behind a dataset's folder: it has tables and stores of its own
REREAD = "reread.json"  # beside a segment table: how often each shard was asked to be read again


def view_name(views: Views) -> str:
    """`2x1` for 2 clips and 1 crop."""
    return f"{views[0]}x{views[1]}"


def seed_files(pattern: str, names: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """`pattern` filled in for every {name} and {seed}."""
    return [pattern.format(name=name, seed=seed) for name in names for seed in seeds]


class Paths:
    """The files of the dataset called `name`, as its experiment makes them."""

    def __init__(self, name: str, experiment: Experiment):
        self.name, self.experiment = name, experiment

    # --- what is given -----------------------------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """Folder of the official files, or of the generated ones."""
        return self.experiment.data.root or f"results/demo/{self.name}"

    def annotations(self, subset: str = "") -> list[str]:
        """What the segment table is made of: the demo's manifest, or the official annotation files.

        subset  "/test" for the table of the test split: its files, too; without, one that arrives later changes nothing

        Raises UserError where there are none.
        """
        if self.experiment.data.generated:
            return [f"results/demo/{self.name}/manifest.json"]
        known = FORMATS[self.experiment.data.format]
        patterns, test = known.annotations, () if subset else self._found(known.test)
        if not (found := [path for path in self._found(patterns) if path not in test]):
            raise UserError(
                f"datasets.{self.name}.data.root: no annotation files (like {patterns[0]}) in {self.root}. "
                "Point `root` to the folder with the official files (docs/datasets.md)."
            )
        return found

    def box_files(self) -> list[str]:
        """The large files that index_boxes looks through: the demo's manifest stands for its own.

        Raises UserError where there are none.
        """
        if self.experiment.data.generated:
            return self.annotations()
        if not (found := self._found(FORMATS[self.experiment.data.format].box_files)):
            raise UserError(
                f"datasets.{self.name}.data.root: no files with boxes (bounding_box*.json or annotations*.json) in "
                f"{self.root}. Put them there, or leave the teacher `obj` out (docs/datasets.md)."
            )
        return found

    def _found(self, patterns: Sequence[str]) -> list[str]:
        folder = glob.escape(self.root)  # a root may hold [ ] * ?
        return sorted({path for pattern in patterns for path in glob.glob(f"{folder}/{pattern}")})

    # --- data --------------------------------------------------------------------------------------------------------

    def data(self, split: str = "") -> str:
        """Folder of the segment table and the stores that hold a split: the test split has its own."""
        return f"results/data/{self.name}{TEST if split == 'test' else ''}"

    def segments(self, split: str) -> str:
        """The segment table that holds a split; that of the test split knows no folds."""
        return f"{self.data(split)}/{'annotations' if split == 'test' else 'segments'}.parquet"

    def skipped(self, split: str) -> str:
        """The table of what could not be read of a split."""
        return f"{self.data(split)}/skipped.csv"

    def stores(self, modality: str, subset: str = "") -> list[str]:
        """The shards of one modality; subset: "/test" for those of the test split."""
        folder, suffix = f"results/data/{self.name}{subset}/{modality}", MODALITIES[modality].suffix
        return [f"{folder}/{shard}.{suffix}" for shard in range(self.experiment.data.shards)]

    def every_store(self) -> list[str]:
        """The shards of all modalities."""
        return [path for modality in self.experiment.modalities for path in self.stores(modality)]

    def store_index(self, modality: str, split: str = "") -> str:
        """The list of a modality's shards with a split. Jobs name it instead of the shards: plans stay small."""
        return f"{self.data(split)}/{modality}/shards.json"

    def store_arguments(self, read: Sequence[str]) -> list[str]:
        """`modality=path` arguments of the stores that a training reads."""
        return [f"{modality}={self.store_index(modality)}" for modality in read]

    def boxes_index(self) -> list[str]:
        """What extract_objects reads beside the segments, for formats whose boxes lie in few large files."""
        known = FORMATS[self.experiment.data.format].box_files
        return [f"results/data/{self.name}/boxes_index.parquet"] if known else []

    def asked_again(self, modality: str, shard: int | str, subset: str = "") -> int:
        """How often `snakemake reread_...` asked for a shard: among the params of its extraction, so that each time
        makes it run again."""
        path = Path(f"results/data/{self.name}{subset}/{REREAD}")
        return int(json.loads(path.read_text()).get(f"{modality}/{shard}", 0)) if path.exists() else 0

    def skipped_tables(self, subset: str = "") -> list[str]:
        """Tables of unreadable segments of a subset ("" or "/test"), of each extraction but flow computed from stored
        frames, which skips none."""
        official = self.experiment.media.flow.source == "official"
        return [
            f"results/data/{self.name}{subset}/{modality}/{shard}.skipped.csv"
            for modality in self.experiment.modalities
            if modality != "flow" or official
            for shard in range(self.experiment.data.shards)
        ]

    # --- models, predictions, banks ----------------------------------------------------------------------------------

    def model(self, model: str, seed: int | str) -> str:
        """The weights of a net."""
        return f"results/models/{self.name}/{model}/seed{seed}/model.safetensors"

    def init(self, model: str) -> list[str]:
        """The converted weights that the training of `model` starts from, if the config names any."""
        started = models.settings_of(self.experiment, model).init
        return [f"results/init/{self.name}/{model}/model.safetensors"] if started else []

    def predictions(self, model: str, seed: int | str, split: str, views: Views) -> list[str]:
        """Prediction files of a net or ensemble on one split: one, or `....0`, `....1` for a net in several parts."""
        stem = f"results/predictions/{self.name}/{model}/seed{seed}/{split}-{view_name(views)}"
        parts = self.experiment.evaluation.parts
        if parts == 1 or ensemble_of(model) or Path(f"{stem}.safetensors").exists():
            return [f"{stem}.safetensors"]
        return _parts(stem, parts)

    def evaluated(self, entry: str, seed: int | str, views: Views) -> list[str]:
        """The files that hold the predictions of `entry` on `views` of validation: those of the largest setting that
        `views` are a part of, unless `views` have been predicted themselves."""
        own = self.predictions(entry, seed, "val", views)
        if all(Path(path).exists() for path in own):
            return own
        return self.predictions(entry, seed, "val", source_of(views, self.experiment.evaluation.views))

    def compared(self, seeds: Sequence[int]) -> dict[str, list[str]]:
        """Predictions of those who show where the gain comes from, at the first view setting, by `model/seed`.

        Raises UserError for an experiment without a student.
        """
        if not (who := models.compared(self.experiment)):
            raise UserError(f"datasets.{self.name}.students: there is no student whose gain could be looked into.")
        names = dict.fromkeys([who["baseline"], who["ensemble"], who["student"], *who["teachers"]])
        views = self.experiment.evaluation.views[0]
        return {f"{name}/{seed}": self.evaluated(name, seed, views) for name in names for seed in seeds}

    def heldout(self, teacher: str, seed: int | str) -> list[str]:
        """A teacher's predictions on the held-out fold."""
        return self.predictions(baseline_of(teacher), seed, "heldout", self.experiment.evaluation.heldout_views)

    def member_predictions(self, ensemble: str, seed: int | str, split: str, views: Views) -> dict[str, list[str]]:
        """Prediction files of an ensemble's teachers, by teacher."""
        names = models.members(self.experiment, ensemble)
        return {name: self.predictions(baseline_of(name), seed, split, views) for name in names}

    def student_banks(self, student: str, seed: int | str) -> dict[str, list[str]]:
        """The blocks of views, in parts, of the banks that teach a student, by teacher."""
        names = models.members(self.experiment, self.experiment.students[student].ensemble)
        folder = f"results/bank/{self.name}/{{name}}/seed{seed}"
        return {
            name: [
                path
                for first, last in models.bank_blocks(self.experiment, student)
                for path in _parts(f"{folder.format(name=name)}/{first}-{last}", self.experiment.bank.parts)
            ]
            for name in names
        }

    def taught_arguments(self, student: str, seed: int | str) -> str:
        """Arguments of a training that name banks, ensemble weights, and a teacher to start from."""
        banks = labelled(self.student_banks(student, seed))
        words = [f"--bank {' '.join(banks)} --ensemble {self.student_ensemble(student, seed)}"]
        return " ".join([*words, *(f"--start {path}" for path in self.start(student, seed))])

    def start(self, student: str, seed: int | str) -> list[str]:
        """The weights of the teacher that a student starts from, if it does."""
        teacher = self.experiment.students[student].start
        return [self.model(baseline_of(teacher), seed)] if teacher else []

    def student_ensemble(self, student: str, seed: int | str) -> str:
        """The weights of the ensemble that teaches a student."""
        return f"results/ensembles/{self.name}/{self.experiment.students[student].ensemble}/seed{seed}.json"

    def packages(self, seeds: Sequence[int]) -> list[str]:
        """What makes the RGB baseline and the students usable outside of the workflow."""
        students = [model for model in models.nets(self.experiment) if student_of(model)]
        return seed_files(
            f"results/models/{self.name}/{{name}}/seed{{seed}}/inference.json", [RGB_BASELINE, *students], seeds
        )

    # --- results -----------------------------------------------------------------------------------------------------

    def metrics(
        self, names: Sequence[str], seeds: Sequence[int], views: Sequence[Views], kind: str = "metrics"
    ) -> list[str]:
        """Metrics (or another `kind` of measures) of models and ensembles, for every seed and view setting."""
        pattern = f"results/{kind}/{self.name}/{{name}}/seed{{seed}}/{{views}}.json"
        return [
            pattern.format(name=name, seed=seed, views=view_name(setting))
            for setting in views
            for name in names
            for seed in seeds
        ]

    def analyses(self) -> list[str]:
        """Texts and figures of the further tables that the default run makes."""
        names = self.experiment.evaluation.shown_analyses
        texts = [f"results/tables/{self.name}_{name}.md" for name in names]
        return texts + [f"results/figures/{self.name}/{name}.svg" for name in names]


def shard_of_table(path: Path) -> str:
    """`rgb/3` for the table .../rgb/3.skipped.csv, as `asked_again` looks for it."""
    return f"{path.parent.name}/{path.name.split('.')[0]}"


def _parts(stem: str, parts: int) -> list[str]:
    """The files `{stem}.0-of-3.safetensors` and so on. A finished set of another number of parts is kept: the result is
    the same, and changing the number must not repeat the work."""
    for path in sorted(Path(stem).parent.glob(f"{glob.escape(Path(stem).name)}.0-of-*.safetensors")):
        finished = int(path.name.split("-of-")[1].split(".")[0])
        found = [f"{stem}.{part}-of-{finished}.safetensors" for part in range(finished)]
        if all(Path(name).exists() for name in found):
            return found
    return [f"{stem}.{part}-of-{parts}.safetensors" for part in range(parts)]


def labelled(files: dict[str, list[str]]) -> list[str]:
    """`name=path,path` arguments."""
    return [f"{name}={','.join(paths)}" for name, paths in files.items()]


def flat(files: dict[str, list[str]]) -> list[str]:
    """All files of a mapping of lists."""
    return [path for paths in files.values() for path in paths]

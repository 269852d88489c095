# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A model may stand in several files; what each of them says stands in one only.

Odoo puts the classes of a model together in the order in which they are imported: a
later one hides, or calls, what an earlier one says. So that this order means nothing,
no two of them say the same, and only one of them lists what else the model inherits.
"""

import ast
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from unittest import TestCase

ADDON = Path(__file__).resolve().parents[2]
FOLDERS = ("models", "wizards")
INIT = "__init__"
#: what says of which model a class is
NAMES = {"_name", "_inherit"}


@dataclass(frozen=True)
class Part:
    """One class of a model."""

    place: str
    model: str
    #: whether there is no such model without it
    is_first: bool
    #: the other models that it inherits
    others: tuple
    #: its methods, fields, constraints and settings
    says: frozenset


def parts_of(tree, file):
    """The classes of models in a syntax tree, in their order."""
    found = []
    for node in tree.body:
        says, values = set(), {}
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.FunctionDef):
                says.add(line.name)
            elif isinstance(line, ast.Assign | ast.AnnAssign):
                for target in getattr(line, "targets", None) or [line.target]:
                    names = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
                    says |= names
                    for name in names & NAMES:
                        values[name] = ast.literal_eval(line.value)
        if values:
            inherits = values.get("_inherit", ())
            inherits = (inherits,) if isinstance(inherits, str) else tuple(inherits)
            model = values.get("_name") or inherits[0]
            found.append(
                Part(
                    f"{file}:{node.lineno}",
                    model,
                    model not in inherits,
                    tuple(name for name in inherits if name != model),
                    frozenset(says - NAMES),
                )
            )
    return found


def decided_by_order(parts):
    """What the order of imports decides about models, as texts.

    :param parts: :class:`Part` of all models
    """
    models = defaultdict(list)
    for part in parts:
        models[part.model].append(part)

    def said_by(names):
        """All that models say, with what they inherit."""
        said = set()
        for part in (part for name in names for part in models.get(name, ())):
            said |= part.says | said_by(part.others)
        return said - {"_description"}

    found = []
    for model, classes in sorted(models.items()):
        places = defaultdict(list)
        for part in classes:
            for name in part.says:
                places[name].append(part.place)
            if part.others:
                places["_inherit"].append(part.place)
            if part.is_first:
                continue
            # What a model inherits where it begins comes after all of its classes.
            # What is added to one that there is comes after some, before others.
            mixed = said_by(part.others)
            for other in classes:
                for name in mixed & other.says if other is not part else ():
                    places[name] += [f"what {part.place} inherits", other.place]
        found += [
            f"{model}.{name}: {', '.join(dict.fromkeys(where))}"
            for name, where in sorted(places.items())
            if len(where) > 1
        ]
    return found


class Files:
    """The files of an addon that define models, and what they need of each other.

    They are named by their path in the addon, without ending.
    """

    def __init__(self, addon, folders=FOLDERS):
        self.trees = {
            path.relative_to(addon).with_suffix("").as_posix(): ast.parse(
                path.read_text(encoding="utf-8")
            )
            for folder in folders
            for path in sorted((addon / folder).rglob("*.py"))
        }
        self.parts = {
            file: parts_of(tree, f"{file}.py") for file, tree in self.trees.items()
        }
        self.first = {
            part.model: file
            for file, parts in self.parts.items()
            for part in parts
            if part.is_first
        }

    def imports(self, file):
        """The files that a file imports, in this order, and perhaps twice."""
        found = []
        for node in self.trees[file].body:
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            folder = file.split("/")[: -node.level]
            folder += node.module.split(".") if node.module else []
            named = [folder, *([*folder, alias.name] for alias in node.names)]
            for path in map("/".join, named):
                found += [p for p in (path, f"{path}/{INIT}") if p in self.trees]
        return found

    def needs(self, file):
        """The files with the models that a file extends, or inherits."""
        inherited = (
            self.first.get(model)
            for part in self.parts[file]
            for model in (part.model, *part.others)
        )
        return set(inherited) - {None, file}

    def entries(self, folder):
        """What stands in a folder: name -> its files."""
        found = defaultdict(set)
        for file in self.trees:
            if file.startswith(f"{folder}/") and file != f"{folder}/{INIT}":
                found[file.removeprefix(f"{folder}/").split("/")[0]].add(file)
        return found

    def in_order(self, folder):
        """What stands in a folder, by name, but each after what it needs."""
        entries, order = self.entries(folder), []

        def take(name, above):
            if name in order or name in above:
                return
            needed = set().union(*map(self.needs, entries[name]))
            for other in sorted(entries):
                if other != name and needed & entries[other]:
                    take(other, {*above, name})
            order.append(name)

        for name in sorted(entries):
            take(name, set())
        return order

    def as_loaded(self):
        """The files in the order in which Python defines their classes."""
        begun, order = set(), []

        def load(file):
            if file in begun:
                return
            begun.add(file)
            for above in Path(file).parents:
                if f"{above}/{INIT}" in self.trees:
                    load(f"{above}/{INIT}")
            for other in self.imports(file):
                load(other)
            order.append(file)

        for folder in FOLDERS:
            load(f"{folder}/{INIT}")
        return order


class TestModelFiles(TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = Files(ADDON)

    def test_nothing_is_said_twice(self):
        parts = [part for parts in self.files.parts.values() for part in parts]
        self.assertGreater(len(parts), 150)
        self.assertEqual(decided_by_order(parts), [])

    def test_a_file_has_one_class_of_a_model(self):
        for file, parts in self.files.parts.items():
            models = [part.model for part in parts]
            with self.subTest(file):
                self.assertEqual(len(models), len(set(models)))

    def test_imports_are_complete_and_in_order(self):
        """By name, but what a file inherits stands above it."""
        for init in [file for file in self.files.trees if file.endswith(INIT)]:
            folder = init.removesuffix(f"/{INIT}")
            names = [
                alias.name
                for node in self.files.trees[init].body
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            ]
            with self.subTest(folder):
                self.assertEqual(names, self.files.in_order(folder))

    def test_a_model_is_there_before_it_is_extended(self):
        known, early = set(), []
        for file in self.files.as_loaded():
            for part in self.files.parts[file]:
                needed = {part.model, *part.others} & self.files.first.keys()
                missing = needed - known - ({part.model} if part.is_first else set())
                early += [f"{part.place} needs {model}" for model in sorted(missing)]
                known.add(part.model)
        self.assertEqual(early, [])
        self.assertLessEqual(self.files.first.keys(), known)

    def test_controllers_extend_none_of_ours(self):
        """There a class that inherits another one takes its place."""
        classes = [
            node
            for path in sorted((ADDON / "controllers").rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ClassDef)
        ]
        self.assertTrue(classes)
        bases = {ast.unparse(base) for node in classes for base in node.bases}
        self.assertFalse(bases & {node.name for node in classes})


class TestDecidedByOrder(TestCase):
    """What is found, and that ordinary inheritance is not."""

    def found(self, *classes):
        parts = []
        for number, (head, *lines) in enumerate(classes):
            code = "\n    ".join(["class Model:", *head.split("; "), *lines])
            parts += parts_of(ast.parse(code), f"{number}.py")
        return [text.partition(":")[0] for text in decided_by_order(parts)]

    def test_methods_fields_and_settings(self):
        for line in ("def x(self): pass", "x = fields.Char()", "x: int = 1"):
            twice = [("_inherit = 'a'", line), ("_inherit = ['a']", line)]
            self.assertEqual(self.found(("_name = 'a'",), *twice), ["a.x"])
            self.assertEqual(self.found(("_name = 'a'", line), *twice[1:]), ["a.x"])
            self.assertEqual(self.found(("_name = 'a'",), *twice[1:]), [])

    def test_a_model_overrides_what_it_inherits(self):
        mixin = ("_name = 'mixin'", "def x(self): pass")
        model = "_name = 'a'; _inherit = ['mixin']"
        override = "def x(self): return super().x()"
        self.assertEqual(self.found(mixin, (model, override)), [])
        self.assertEqual(self.found(mixin, (model,), ("_inherit = 'a'", override)), [])

    def test_what_is_mixed_in_later(self):
        """What overrides it must be the class that lists it: others come anywhere."""
        mixin = ("_name = 'mixin'", "def x(self): pass")
        above = ("_name = 'above'; _inherit = 'mixin'",)
        override = "def x(self): return super().x()"
        for named in ("mixin", "above"):
            head = f"_name = 'core'; _inherit = ['{named}', 'core']"
            other = ("_inherit = 'core'", override)
            self.assertEqual(self.found(mixin, above, (head, override)), [])
            self.assertEqual(self.found(mixin, above, (head,), other), ["core.x"])

    def test_two_that_mix_in(self):
        heads = [
            (f"_name = 'core'; _inherit = ['core', '{name}']",)
            for name in ("mixin", "other")
        ]
        self.assertEqual(self.found(*heads), ["core._inherit"])

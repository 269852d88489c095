# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Holding requests and answers of a test server against an OpenAPI description."""

import copy
import json
import re
from datetime import datetime
from functools import cached_property

import jsonschema

MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?(?:\[[A-Za-z_/]+\])?"
)
SCALARS = ["string", "integer", "null"]


class Description:
    """An OpenAPI 3.1 document.

    :param path: of the JSON file
    :param mixed: names of properties that servers send as number or as text
    """

    def __init__(self, path, mixed=()):
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.schemas = self.document["components"]["schemas"]
        self._mixed = frozenset(mixed)
        self._good_shapes = set()
        self._paths = [
            (re.compile(re.sub(r"\{[^}]*\}", "([^/]+)", path)), path)
            for path in self.document["paths"]
        ]

    def find(self, method, path):
        """The operation of a request.

        :return: (template of the path, operation, values of the path's parameters), or
            None when the description has none
        """
        for pattern, template in self._paths:
            match = pattern.fullmatch(path)
            operation = self.document["paths"][template].get(method.lower())
            if match and operation and "{" not in match[0]:
                # /domains/count is no domain.
                if "{" in template and path in self.document["paths"]:
                    continue
                return template, operation, match.groups()
        return None

    def request_problems(self, operation, query, body=None):
        """What is wrong with a request.

        :param query: dict of texts
        :param body: of a POST, parsed
        :return: list of texts
        """
        problems = []
        known = {}
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter
        for name in query:
            if name not in known:
                problems.append(f"the parameter {name} is not described")
        for name, parameter in known.items():
            if name not in query:
                if parameter.get("required"):
                    problems.append(f"the parameter {name} is missing")
                continue
            problems += self._value_problems(name, query[name], parameter["schema"])
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            problems += self._body_problems(body)
        return problems

    def _value_problems(self, name, value, schema):
        schema = self._resolved(schema)
        if schema.get("format") == "rfc3339":
            return [] if _is_moment(value) else [f"{name} is no time: {value}"]
        if schema["type"] in ("integer", "number"):
            if not re.fullmatch(r"-?\d+", value):
                return [f"{name} is no number: {value}"]
            value = int(value)
        return [
            f"{name}: {error.message}"
            for error in self._validator(schema).iter_errors(value)
        ]

    def _body_problems(self, body):
        if not isinstance(body, dict):
            return ["the body is no JSON object"]
        # A path can be described once only, and the excerpt kept the request with a
        # second factor; this one is described beside it. A refresh needs no user.
        schema = copy.deepcopy(self.schemas["AuthRequest"])
        if body.get("grant_type") == "refresh_token":
            schema["required"] = ["grant_type", "client_id", "client_secret"]
            schema["properties"]["refresh_token"] = {"type": "string", "minLength": 1}
        schema["additionalProperties"] = False
        return [error.message for error in self._validator(schema).iter_errors(body)]

    def change_problems(self, name, body):
        """What is wrong with an object that changes some properties of another one.

        :param name: of its schema
        :param body: parsed
        :return: list of texts
        """
        if not isinstance(body, dict):
            return ["the body is no JSON object"]
        described = self.schemas[name]["properties"]
        problems = [
            f"{key} cannot be changed"
            for key in body
            if described.get(key, {}).get("readOnly")
        ]
        schema = {
            "type": "object",
            "properties": described,
            "additionalProperties": False,
        }
        return problems + [
            error.message for error in self._validator(schema).iter_errors(body)
        ]

    def answer_problems(self, operation, status, data):
        """What is wrong with an answer of ours.

        :return: list of texts
        """
        described = operation["responses"].get(str(status))
        if described is None:
            # Errors that are not described for a path look like those that are.
            schema = self.schemas["ErrorResponse"]
        else:
            schema = described["content"]["application/json"]["schema"]
        schema = self._resolved(schema)
        if schema.get("type") == "array" and isinstance(data, list):
            name = schema["items"]["$ref"].rpartition("/")[2]
            return [p for row in data for p in self.row_problems(name, row)]
        return [error.message for error in self._validator(schema).iter_errors(data)]

    def row_problems(self, name, row):
        """What is wrong with one object of a named schema."""
        # Where a schema speaks of names and types only, one object stands for all that
        # have the same: call records come by the hundred thousand.
        shape = None
        if name in self._plain_schemas:
            shape = (name, *((key, type(value)) for key, value in row.items()))
            if shape in self._good_shapes:
                return []
        problems = [
            f"{name} {'.'.join(map(str, error.path))}: {error.message}"
            for error in self._row_validators[name].iter_errors(row)
        ]
        if shape and not problems:
            self._good_shapes.add(shape)
        return problems

    @cached_property
    def _plain_schemas(self):
        return {
            name
            for name, schema in self.schemas.items()
            if all(
                described.keys() <= {"type", "description"}
                and not {"object", "array"}.intersection(described["type"])
                for described in schema.get("properties", {}).values()
            )
        }

    @cached_property
    def _row_validators(self):
        return {
            name: self._validator(self._loosened(schema))
            for name, schema in self.schemas.items()
            if schema.get("type") == "object"
        }

    def _loosened(self, schema):
        """A schema as servers live up to it.

        The description's types were taken from one sample: ``null`` means that it was
        null there. So anything may be null, what is only ever null may be a text or a
        number, and some properties are either. Names are held to strictly.
        """
        schema = copy.deepcopy(schema)
        schema["additionalProperties"] = False
        for name, described in schema["properties"].items():
            kinds = described.get("type")
            if kinds is None:
                continue
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if kinds == ["null"] or name in self._mixed:
                described["type"] = SCALARS
            else:
                described["type"] = [*kinds, *(["null"] if "null" not in kinds else [])]
        return schema

    def _resolved(self, schema):
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _validator(self, schema):
        whole = {**schema, "components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole)


def _is_moment(value):
    if not MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True

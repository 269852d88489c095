# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from math import isfinite

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ...connectors.harmless import shown
from ...ingest.aside import Aside

MODULE = "metered_billing"
#: said while Odoo's own code copies what this module has put on a record
BY_PROGRAM = Aside("metered_by_program")
DEFAULT = "default_"


class MeteredGuarded(models.AbstractModel):
    """What no user may do to a record of this module, whatever their rights on it.

    Access rights and record rules say which records somebody may read and change. They
    do not say what these may be changed *into*: a rule is looked at before a write, a
    field that is read-only on the screen is not so for a program that calls, and an id
    may name a record that its writer has never been allowed to see. So every model of
    this module inherits this one, and so does every model that it adds fields to:

    * a record can point only to what its writer may read,
    * what it points to is of its company (``check_company``),
    * after a write it must still be one that its writer may change, so that it cannot
      be moved into another company,
    * a field that is ``readonly`` is set by the program, which says so by
      :meth:`_set_as_program`, ``BY_PROGRAM`` or by working as superuser; a value for it
      is refused, and one that comes as a default in the context is not looked at,
    * that something belongs to all companies is decided by those who may work in all,
    * a value is what it looks like: an id is a whole number, and a number has an end.

    Dialogs are seen by nobody but who opened them: see ``ir_rule``.

    The superuser is asked nothing, so that a job pays nothing for it.
    ``tests/generated/test_guarded.py`` goes through the registry and tries each.
    """

    _name = "metered.guarded"
    _description = "Access Protection Between Companies and Users"
    # Odoo looks at what a record points to, of the superuser's as well.
    _check_company_auto = True

    # === WHAT IS WRITTEN === #

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse what the program sets, and what points to the unseen."""
        if self.env.su:
            return super().create(vals_list)
        for vals in vals_list:
            self._refuse_odd_values(vals)
            # A copy says of every field what it is, and of most that it is empty.
            self._refuse_program_fields(
                {name: value for name, value in vals.items() if value}
            )
            self._refuse_unseen(vals)
        records = super().create(vals_list)
        records._check_after({"company_id"}.union(*vals_list))
        return records

    def write(self, vals):
        """Refuse what the program sets, what points to the unseen, and a move away."""
        if self.env.su:
            return super().write(vals)
        self._refuse_odd_values(vals)
        self._refuse_program_fields(vals)
        self._refuse_unseen(vals)
        if self._is_of_module() and "company_id" in vals:
            self.check_access("write")
            self._refuse_sharing()
        done = super().write(vals)
        if self._is_of_module():
            self.check_access("write")
        self._check_after(vals)
        return done

    @api.model
    def default_get(self, fields):
        """Defaults, of which those in the context carry no rights."""
        if self.env.su:
            return super().default_get(fields)
        guarded = self._guarded_fields()
        program = {
            DEFAULT + name
            for name, field in guarded.items()
            if field.readonly and not (self._transient and field.relational)
        }
        if program & self.env.context.keys():
            kept = {k: v for k, v in self.env.context.items() if k not in program}
            # A key can be taken away in no other manner.
            self = self.with_context(kept)  # pylint: disable=context-overridden
        defaults = super().default_get(fields)
        self._refuse_unseen(defaults)
        return defaults

    def onchange(self, values, field_names, fields_spec):
        """What a form shows next, of which nothing may be about the unseen."""
        if not self.env.su:
            self._refuse_unseen(values)
        return super().onchange(values, field_names, fields_spec)

    def _set_as_program(self, vals):
        """Write what a program sets, on records of whom it works for.

        :param vals: as of ``write``; nothing of it came from a caller unchecked
        """
        return self.sudo().write(vals)

    # === PARTS === #

    def _check_after(self, names):
        """What must hold of records that a user has just written.

        :param names: of the fields that were written
        """
        if (
            "company_id" in names
            and self._is_of_module()
            and not self._transient
            and "company_id" in self._fields
            and not self._fields["company_id"].related
        ):
            self._refuse_sharing()

    @api.model
    def _is_of_module(self):
        """Whether the model itself is this module's, not only some of its fields."""
        return self._original_module == MODULE

    @api.model
    def _guarded_fields(self):
        """The fields of this module, by name."""
        return {
            name: field
            for name, field in self._fields.items()
            if field._module == MODULE
        }

    def _refuse_odd_values(self, vals):
        """Refuse what the database would take for something else than the ORM does.

        An id that is text, or a number with a point, is no record to whoever looks at
        the values, and one to PostgreSQL. NaN is not below zero, nor above.

        :raises AccessError: an id that is none
        :raises UserError: a number that is none
        """
        for name, value in vals.items():
            field = self._fields.get(name)
            if field is None or not value or field._module != MODULE:
                continue
            if field.relational and any(map(_is_odd, _ids_in(field, value))):
                raise AccessError(
                    self.env._(
                        "%(model)s, %(field)s: %(value)s is not a record ID. IDs are "
                        "whole numbers.",
                        model=self._description,
                        field=field._description_string(self.env) or name,
                        value=shown(repr(value), 100),
                    )
                )
            if field.type in ("float", "monetary") and not _is_finite(value):
                raise UserError(
                    self.env._(
                        "%(model)s, %(field)s: %(value)s is not a valid number.",
                        model=self._description,
                        field=field._description_string(self.env) or name,
                        value=shown(str(value), 100),
                    )
                )

    def _refuse_program_fields(self, vals):
        """Refuse values of fields that are read-only.

        :raises AccessError: naming the fields
        """
        if BY_PROGRAM.heard():
            return
        names = [
            name
            for name in vals
            if (field := self._fields.get(name)) is not None
            and field.readonly
            and field._module == MODULE
        ]
        if names:
            raise AccessError(
                self.env._(
                    "%(model)s: %(fields)s cannot be set manually. Metered Billing "
                    "sets it automatically.",
                    model=self._description,
                    fields=", ".join(
                        self._fields[name]._description_string(self.env) or name
                        for name in names
                    ),
                )
            )

    def _refuse_unseen(self, vals):
        """Refuse ids of records that the user may not read.

        What a record points to already may stay.

        :param vals: values as of ``write`` or ``onchange``, commands included
        :raises AccessError: as reading them would
        """
        for name, value in vals.items():
            field = self._fields.get(name)
            if (
                not value
                or field is None
                or not field.relational
                or field._module != MODULE
            ):
                continue
            comodel = self.env[field.comodel_name]
            ids = set()
            for one in value if field.type != "many2one" else [value]:
                ids.update(_linked(one))
                lines = _values(one)
                if lines and isinstance(comodel, self.env.registry["metered.guarded"]):
                    comodel._refuse_unseen(lines)
            if ids and self._ids:
                ids.difference_update(self.sudo()[name]._ids)
            if ids:
                comodel.browse(ids).exists().check_access("read")

    def _refuse_sharing(self):
        """Refuse that these are made, or made to be no more, those of all companies.

        What they say may be changed by whoever may change it: they are shared. Whose
        they are is not for one company to say.

        :raises AccessError: where a record has no company and the user not all
        """
        shared = self.sudo().filtered(lambda record: not record.company_id)
        if shared and not self._works_in_all_companies():
            raise AccessError(
                self.env._(
                    "%(name)s is, or would become, shared by all companies. Only a "
                    "user with access to all of them can change that. Choose your "
                    "company instead.",
                    name=", ".join(shared[:3].mapped("display_name")),
                )
            )

    @api.model
    def _works_in_all_companies(self):
        """Whether the user may work in every company of the database."""
        companies = self.env["res.company"].sudo()
        return self.env.su or not companies.search_count(
            [("id", "not in", self.env.user._get_company_ids())], limit=1
        )

    @api.model
    def _default_company(self):
        """The company of a new record that may belong to all of them."""
        return False if self._works_in_all_companies() else self.env.company


def _ids_in(field, value):
    """What stands where a value of a relation has ids, whatever it is."""
    if field.type == "many2one":
        return [value]
    if not isinstance(value, list | tuple):
        return []
    found = []
    for one in value:
        if not isinstance(one, list | tuple):
            found.append(one)
        elif one and one[0] in (1, 4):
            found += one[1:2]
        elif one and one[0] == 6 and isinstance(one[-1], list | tuple):
            found += one[-1]
    return found


def _is_odd(id_):
    """Whether the database might take something for an id that is none."""
    return id_ is True or isinstance(id_, str | float)


def _is_finite(value):
    try:
        return isfinite(float(value))
    except OverflowError:
        return False
    except (TypeError, ValueError):
        return True  # the ORM says what is wrong with it


def _linked(one):
    """Yield the ids of existing records that a value, or a command, links.

    :param one: id, dict of a ``web_read``, command, or record
    """
    if isinstance(one, models.BaseModel):
        yield from (id_ for id_ in one._ids if id_)
    elif isinstance(one, dict):
        if isinstance(one.get("id"), int):
            yield one["id"]
    elif isinstance(one, list | tuple):
        code, *rest = one
        if code in (1, 4) and rest and isinstance(rest[0], int):
            yield rest[0]
        elif code == 6 and len(rest) == 2:
            yield from (id_ for id_ in rest[1] or () if isinstance(id_, int))
    elif isinstance(one, int) and not isinstance(one, bool):
        yield one


def _values(one):
    """The values of a record that a command creates or changes; else None."""
    if isinstance(one, list | tuple) and len(one) == 3 and one[0] in (0, 1):
        return one[2]
    return one if isinstance(one, dict) else None

# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The ways in which HTTP APIs give out a list in pages."""

import re

from .errors import SourceAnswerError, SourceNotFound, SourceSettingsError
from .json_path import follow, parse_path
from .records import text, whole_number

PAGE_ROWS = 100
MAX_PAGES = 10_000
NEXT_LINK = re.compile(r'<([^<>]*)>[^,]*;\s*rel="?next"?', re.IGNORECASE)
LINK_CHARACTERS = 8000  # of the header; looking for the next takes their square
PAGING = ("none", "page", "offset", "cursor", "link")


class Pages:
    """Mixed into ``HttpJson``, whose settings say which way it is."""

    manual = "Enter it as described in the manual of the switch's API."

    def _read_paging(self):
        """Look at the settings.

        :raise SourceSettingsError: they name no way of paging that there is
        """
        self.paging = self.settings.get("paging") or "none"
        if self.paging not in PAGING:
            raise SourceSettingsError(
                f"Unknown paging method: {self.paging}.",
                remedy=f"Choose one of these: {', '.join(PAGING)}.",
            )
        self.page_rows = self._integer("page_size", PAGE_ROWS)
        self.max_pages = self._integer("max_pages", MAX_PAGES)

    def _integer(self, name, default):
        given = text(self.settings.get(name)) or str(default)
        number = whole_number(given)
        if not number:
            raise SourceSettingsError(
                f"The {name.replace('_', ' ')} is {given}.",
                remedy="Enter a whole number greater than zero, or leave it empty.",
            )
        return number

    def _pages(self, path, fixed, account, first, kind="records"):
        """Pages of a list.

        :param first: where to begin, as it was given for the page before; None: at the
            beginning
        :return: iterator of (rows, where the next page is or None)
        """
        at, seen, longest = first, None, 0
        for _page in range(self.max_pages):
            try:
                answer = self._ask_page(path, fixed, account, at, kind)
            except SourceNotFound:
                # Some servers say so of the page after the last one.
                if at is None or self.paging not in ("page", "offset"):
                    raise
                return
            rows = self._items(answer, kind)
            if rows and rows == seen:
                if len(rows) >= self.page_rows:
                    raise SourceAnswerError(
                        "The switch returns the same page regardless of the page "
                        "requested.",
                        answer.where,
                        "Correct the paging in the source settings.",
                    )
                return  # it knows no pages, and sent all of it each time
            longest = max(longest, len(rows))
            following = self._following(answer, rows, at, longest)
            if following is not None and following == at:
                raise SourceAnswerError(
                    "The switch returns the current page as the next page.",
                    answer.where,
                    "Correct the paging in the source settings.",
                )
            yield rows, following
            if following is None:
                return
            at, seen = following, rows
        raise SourceAnswerError(
            f"The switch returned {self.max_pages:,} pages without reaching the end.",
            self.redact(path),
            "Request a shorter period, or correct the paging in the source settings.",
        )

    def _ask_page(self, path, fixed, account, at, kind):
        if self.paging == "link" and at:
            return self.client.request("GET", self.client.same_server(at))
        return self._ask(path, {**fixed, **self._paging(at)}, account, kind)

    def _paging(self, at):
        """The parameters of a page."""
        params = {}
        size = self.settings.get("size_parameter")
        if size and self.paging != "none":
            params[size] = self.page_rows
        name = self.settings.get("page_parameter")
        if self.paging in ("page", "offset", "cursor") and not name:
            raise SourceSettingsError(
                "The page parameter has no name.", remedy=self.manual
            )
        if self.paging == "page":
            params[name] = self._first_page() if at is None else at
        elif self.paging == "offset":
            params[name] = 0 if at is None else at
        elif self.paging == "cursor" and at is not None:
            params[name] = at
        return params

    def _first_page(self):
        first = whole_number(self.settings.get("first_page"))
        return 1 if first is None else first

    def _following(self, answer, rows, at, longest):
        """Where the next page is, None after the last one."""
        if self.paging in ("page", "offset"):
            # Servers may give fewer than they are asked for: the last page is shorter
            # than one before it, or empty.
            if not rows or (len(rows) < longest and len(rows) < self.page_rows):
                return None
            if self.paging == "offset":
                return (at or 0) + len(rows)
            return (self._first_page() if at is None else at) + 1
        if self.paging == "cursor":
            place = self.settings.get("cursor_field")
            found = follow(answer.data, parse_path(place)) if place else None
            return text(found) or None
        if self.paging == "link":
            place = self.settings.get("link_field")
            if place:
                return text(follow(answer.data, parse_path(place))) or None
            links = answer.headers.get("Link", "")[:LINK_CHARACTERS]
            match = NEXT_LINK.search(links)
            return match[1] if match else None
        return None

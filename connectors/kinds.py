# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a kind of source can do, said once: by its class.

Forms, schedules, checks and invoices ask these properties, and nobody asks which kind
it is. Most kinds are connectors (`interface.Connector`); the others are asked for
nothing, because their records are brought.
"""

#: key -> class of what is no connector
KINDS = {}


class Kind:
    """A way in which records come in.

    `form`, where it is given, has the settings as the form of a source has them: the
    source itself, or a dict of the names of its fields.
    """

    key = ""
    name = ""
    #: of ``ingest.presets``: columns, rules and payer steps of its records
    preset = "generic"
    #: whether its records come in by themselves, without files uploaded by hand
    is_connected = True
    #: whether it posts its records to us; it cannot be asked for them then
    is_posted_to = False
    #: whether programs push events to it
    takes_events = False
    #: whether its records may be pushed through the API, with a key
    is_pushed_to = False
    #: whether who posts proves itself with a token of the source
    has_tokens = False
    #: whether what comes in are files, each of which becomes an import of its own
    brings_files = False
    #: whether its records have places in a stream, up to which they are stored
    has_offsets = False
    #: whether its quantities are JSON's numbers, whose decimal sign is a point
    writes_json = False
    #: whether each record has fields of its own, as events do: what one lacks is empty
    #: there, whatever the records beside it have
    has_own_fields = False
    #: whether its records name lines of subscriptions instead of customers and meters
    has_lines = False
    #: whether it is asked for the usage of a line when that is invoiced
    is_asked_at_renewals = False
    #: columns of what is posted to it, first
    posted_columns = ()
    #: field of customers that shows what it calls each, "" where none does
    customer_field = ""
    #: fields of the form on which `asks_for` depends
    decided_by = ()
    #: whether a request that an administrator names suspends and resumes its accounts
    changes_accounts = False

    @classmethod
    def is_fetched(cls):
        """Whether it is asked for the records between two times."""
        return cls.is_connected and not (
            cls.brings_files or cls.is_posted_to or cls.has_offsets
        )

    @classmethod
    def needs_account(cls, form):
        """Whether its records are asked for one customer at a time."""
        return False

    @classmethod
    def lists_accounts(cls, form):
        """Whether it can be asked which accounts it has."""
        return cls.needs_account(form)

    @classmethod
    def read_pushed(cls, body, content_type, headers=()):
        """What a request pushes to a source of this kind.

        :param bytes body: unpacked
        :param str content_type: ``Content-Type``
        :param headers: pairs of name and value
        :return: list of ``events.cloud_event.Event`` or ``events.reading.Refused``, in
            order
        :raise RequestFault: nothing of it can be read
        """
        raise NotImplementedError(cls.key)

    @classmethod
    def asks_for(cls, form):
        """What is to be entered to connect to it.

        :return: set of names of fields of the form
        """
        return {"name"}


def register_kind(kind):
    """Make a kind known that is no connector; the last one of a key counts."""
    KINDS[kind.key] = kind
    return kind


@register_kind
class UploadedFiles(Kind):
    """Files that somebody uploads."""

    key = "file"
    name = "Uploaded files"
    is_connected = False

# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...connectors.errors import SourceError
from ...connectors.kafka.client import parse_brokers
from ...connectors.kafka.messages import CLOUD_EVENTS, EVENTS, RECORDS
from ...connectors.kafka.source import parse_topics

ADMINISTRATOR = "metered_billing.group_metered_administrator"


class MeteredSource(models.Model):
    """Settings of a source that is a Kafka cluster."""

    _inherit = "metered.source"

    has_offsets = fields.Boolean(
        compute="_compute_has_offsets", search="_search_has_offsets"
    )
    kafka_brokers = fields.Char(
        string="Brokers",
        groups=ADMINISTRATOR,
        help="Host names with ports, separated by commas. One is enough to find the "
        "others, but more keep the source working if that one fails.",
    )
    kafka_security = fields.Selection(
        [
            ("ssl", "TLS"),
            ("sasl_ssl", "TLS, with user name and password"),
            ("plaintext", "None"),
            ("sasl_plaintext", "User name and password, not encrypted"),
        ],
        string="Security",
        default="sasl_ssl",
        groups=ADMINISTRATOR,
        help="How the brokers accept connections on this port.",
    )
    kafka_mechanism = fields.Selection(
        [
            ("PLAIN", "PLAIN"),
            ("SCRAM-SHA-256", "SCRAM-SHA-256"),
            ("SCRAM-SHA-512", "SCRAM-SHA-512"),
        ],
        string="Mechanism",
        default="PLAIN",
        groups=ADMINISTRATOR,
        help="The SASL mechanism that the brokers expect.",
    )
    kafka_certificate = fields.Text(
        string="Client Certificate",
        groups=ADMINISTRATOR,
        help="Only if the brokers require one, in PEM format: "
        "-----BEGIN CERTIFICATE-----.",
    )
    kafka_key = fields.Text(
        string="Client Key",
        compute="_compute_secrets",
        inverse="_inverse_kafka_key",
        groups=ADMINISTRATOR,
        help="The private key of the client certificate in PEM format, without a "
        "passphrase. For security, it is not shown again. An administrator with "
        "access to Settings can enter env:METERED_NAME to read it from that "
        "environment variable.",
    )
    kafka_topics = fields.Char(
        string="Topics", groups=ADMINISTRATOR, help="Separated by commas."
    )
    kafka_format = fields.Selection(
        [
            (CLOUD_EVENTS, "CloudEvents, structured or binary"),
            (EVENTS, "Events as JSON"),
            (RECORDS, "Other JSON, by column"),
        ],
        string="Message Format",
        default=EVENTS,
        groups=ADMINISTRATOR,
        help="Events have the columns of an Events source: id, type, subject, time, "
        "and data. for everything else. Other JSON has a column for the path of each "
        "value, for example call.duration, and can be calls.",
    )
    kafka_start = fields.Selection(
        [
            ("earliest", "All messages that the cluster still has"),
            ("latest", "Messages that arrive after the first sync"),
        ],
        string="Start With",
        default="earliest",
        groups=ADMINISTRATOR,
        help="Which messages the first sync of a topic fetches. Partitions that are "
        "added to a topic later are always fetched from their beginning.",
    )
    kafka_group = fields.Char(
        string="Consumer Group",
        groups=ADMINISTRATOR,
        help="Progress is reported to the cluster under this name, for its own "
        "monitoring. Leave empty to report nothing. The source does not join the "
        "group.",
    )
    kafka_continuous = fields.Boolean(
        string="Read Continuously",
        default=True,
        help="New messages are fetched within a few minutes. Otherwise, they are only "
        "fetched with Sync Now and before invoicing.",
    )
    partition_ids = fields.One2many(
        "metered.source.partition", "source_id", string="Partitions", readonly=True
    )

    @api.depends("source_type")
    def _compute_has_offsets(self):
        for source in self:
            source.has_offsets = source._kind().has_offsets

    def _search_has_offsets(self, operator, value):
        return self._search_kind("has_offsets", operator, value)

    @api.constrains("kafka_brokers", "kafka_topics", "source_type")
    def _check_kafka(self):
        for source in self.sudo():
            if not source.has_offsets:
                continue
            try:
                # What is not entered yet is told by the test of the connection.
                if source.kafka_brokers:
                    parse_brokers(source.kafka_brokers)
                if source.kafka_topics:
                    parse_topics(source.kafka_topics)
            except SourceError as error:
                raise ValidationError(str(error)) from error

    def _inverse_kafka_key(self):
        self._keep_secrets("kafka_key")

    def _settings_kafka(self):
        return {
            "brokers": self.kafka_brokers or "",
            "security": self.kafka_security,
            "mechanism": self.kafka_mechanism,
            "authority": self.ssl_authority or "",
            "certificate": self.kafka_certificate or "",
            "topics": self.kafka_topics or "",
            "format": self.kafka_format,
            "group": self.kafka_group or "",
        }

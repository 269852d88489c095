# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A job that goes on while a browser looks on."""

import threading
from unittest.mock import patch

from odoo import SUPERUSER_ID, api


class TourWorker:
    """Mixed into tours: does what the cron worker does, once somebody looks."""

    def start_worker(self, model="metered.batch", chunk=1, looks=3, once=False):
        """Work on what is queued, a chunk at a time.

        :param model: of the job
        :param chunk: records in a chunk
        :param looks: how often the job's widget, which asks every second, has asked
            when it begins: the tour has to see the job before its end
        :param once: one slice of time, whether that finishes the job or not
        :return: function that waits for the worker to end
        """
        watched, seen = threading.Event(), []
        Job = type(self.env[model])
        read = Job.read

        def read_and_tell(job, fields=None, load="_classic_read"):
            if fields and "time_left" in fields:
                seen.append(job)
                if len(seen) >= looks:
                    watched.set()
            return read(job, fields, load)

        for name, replacement in (
            ("_enqueue", lambda job: None),
            ("_chunk_records", lambda job: chunk),
            ("read", read_and_tell),
        ):
            patcher = patch.object(Job, name, replacement)
            patcher.start()
            self.addCleanup(patcher.stop)

        def work():
            if not watched.wait(300):
                return
            done = False
            while not done:
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    job = env[model].search(
                        [("state", "in", ("queued", "running"))], limit=1
                    )
                    done = not job or job._process(seconds=0) or once

        worker = threading.Thread(target=work)
        worker.start()
        return worker.join

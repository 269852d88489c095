/** @odoo-module **/
// Copyright 2026 Metered Billing contributors
// License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import {patch} from "@web/core/utils/patch";
import {registry} from "@web/core/registry";

/** Milliseconds, and the most that a step may have. */
const PATIENCE = 60000;

// How long a step of a tour takes depends on what else the machine does: on a busy one
// ten seconds, as Odoo gives it, are not enough for what a job in the background has to
// reach first. A step that fails takes longer to say so, one that passes does not.
patch(registry.category("web_tour.tours"), {
    add(name, tour, options) {
        const {steps} = tour;
        const patient = () => steps().map((step) => ({timeout: PATIENCE, ...step}));
        return super.add(name, {...tour, steps: patient}, options);
    },
});

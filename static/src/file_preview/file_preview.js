import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * The first records of a file: what each is understood as, then its columns as they
 * came. A file of many columns is scrolled sideways.
 */
export class FilePreview extends Component {
    static template = "metered_billing.FilePreview";
    static props = {...standardFieldProps};

    get preview() {
        return this.props.record.data[this.props.name] || {columns: [], rows: []};
    }

    /** Whether a fact is read as it is proposed, and nobody has said so yet. */
    isProposed(fact) {
        return (this.preview.proposed || []).includes(fact.key);
    }

    get facts() {
        if (this.preview.kind === "usage") {
            return [
                {key: "start", label: _t("Time")},
                {key: "meter", label: _t("Meter")},
                {key: "quantity", label: _t("Quantity")},
            ];
        }
        return [
            {key: "start", label: _t("Start")},
            {key: "caller", label: _t("From")},
            {key: "callee", label: _t("To")},
            {key: "seconds", label: _t("Seconds")},
        ];
    }
}

registry.category("fields").add("metered_file_preview", {
    component: FilePreview,
    displayName: _t("First rows of a file"),
    supportedTypes: ["json"],
});

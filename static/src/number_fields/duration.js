import {FloatField, floatField} from "@web/views/fields/float/float_field";
import {_t} from "@web/core/l10n/translation";
import {formatQuantity} from "./number_fields";
import {registry} from "@web/core/registry";

/** Seconds as 0:45, 14:14 or 1:02:03; parts of a second only where there are any. */
export function formatDuration(value, options = {}) {
    const total = Math.round((Number(value) || 0) * 1000) / 1000;
    const seconds = Math.abs(total);
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const rest = Math.round((seconds % 60) * 1000) / 1000;
    const two = (number) => String(number).padStart(2, "0");
    const fraction = formatQuantity(rest % 1, options).slice(1);
    const start = hours ? `${hours}:${two(minutes)}` : String(minutes);
    return `${total < 0 ? "-" : ""}${start}:${two(Math.floor(rest))}${fraction}`;
}

/**
 * What was used: seconds of a call as a duration; of other meters the quantity, in the
 * unit that stands beside it.
 */
export class DurationField extends FloatField {
    get formattedValue() {
        const {data} = this.props.record;
        const value = data[this.props.name];
        return (data.meter_kind || "call") === "call"
            ? formatDuration(value)
            : formatQuantity(value);
    }
}

export const durationField = {
    ...floatField,
    component: DurationField,
    displayName: _t("Duration or quantity"),
    supportedTypes: ["float", "integer"],
    fieldDependencies: [{name: "meter_kind", type: "selection"}],
};

// Sums of groups may be of several units: their numbers are what they are.
registry.category("formatters").add("metered_duration", formatQuantity);
registry.category("fields").add("metered_duration", durationField);

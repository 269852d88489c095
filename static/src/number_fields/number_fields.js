import {_t} from "@web/core/l10n/translation";
import {floatField} from "@web/views/fields/float/float_field";
import {formatFloat} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";

// Registered as fields and as formatters: lists and pivots format their sums with the
// formatter of a column's widget.

/** Seconds and other quantities: the decimals that they have, three at most. */
export function formatQuantity(value, options = {}) {
    return formatFloat(value, {...options, digits: [16, 3], trailingZeros: false});
}

/** Charges of calls: the decimals that they have, between four and six. */
export function formatAmount(value, options = {}) {
    return formatFloat(value, {...options, digits: undefined, minDigits: 4});
}

/** What a counter shows: the decimals that it has, six at most. */
export function formatReading(value, options = {}) {
    return formatFloat(value, {...options, digits: [16, 6], trailingZeros: false});
}

function withDecimals(displayName, decimals) {
    return {
        ...floatField,
        displayName,
        extractProps: (fieldInfo) => ({
            ...floatField.extractProps(fieldInfo),
            digits: [16, decimals],
            trailingZeros: false,
        }),
    };
}

export const quantityField = withDecimals(_t("Quantity"), 3);
export const readingField = withDecimals(_t("Counter reading"), 6);
export const factorField = withDecimals(_t("Factor"), 9);

export const amountField = {
    ...floatField,
    displayName: _t("Amount"),
    extractProps: (fieldInfo) => ({
        ...floatField.extractProps(fieldInfo),
        digits: undefined,
        minDigits: 4,
    }),
};

registry.category("formatters").add("metered_quantity", formatQuantity);
registry.category("formatters").add("metered_amount", formatAmount);
registry.category("formatters").add("metered_reading", formatReading);
registry.category("formatters").add("metered_factor", formatReading);
registry.category("fields").add("metered_quantity", quantityField);
registry.category("fields").add("metered_amount", amountField);
registry.category("fields").add("metered_reading", readingField);
registry.category("fields").add("metered_factor", factorField);

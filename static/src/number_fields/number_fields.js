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

export const quantityField = {
    ...floatField,
    displayName: _t("Quantity of usage"),
    extractProps: (fieldInfo) => ({
        ...floatField.extractProps(fieldInfo),
        digits: [16, 3],
        trailingZeros: false,
    }),
};

export const amountField = {
    ...floatField,
    displayName: _t("Amount of usage"),
    extractProps: (fieldInfo) => ({
        ...floatField.extractProps(fieldInfo),
        digits: undefined,
        minDigits: 4,
    }),
};

registry.category("formatters").add("metered_quantity", formatQuantity);
registry.category("formatters").add("metered_amount", formatAmount);
registry.category("fields").add("metered_quantity", quantityField);
registry.category("fields").add("metered_amount", amountField);

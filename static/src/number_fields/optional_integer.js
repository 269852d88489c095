import {IntegerField, integerField} from "@web/views/fields/integer/integer_field";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";

/** A number of which 0 means none: empty then, so that its placeholder is read. */
export class OptionalInteger extends IntegerField {
    static template = "metered_billing.OptionalInteger";
    static props = {
        ...IntegerField.props,
        placeholder: {type: String, optional: true},
    };

    get formattedValue() {
        return this.value ? super.formattedValue : "";
    }
}

export const optionalInteger = {
    ...integerField,
    component: OptionalInteger,
    displayName: _t("Optional number"),
    extractProps: (fieldInfo) => ({
        ...integerField.extractProps(fieldInfo),
        placeholder: fieldInfo.placeholder,
    }),
};

registry.category("fields").add("metered_optional_integer", optionalInteger);

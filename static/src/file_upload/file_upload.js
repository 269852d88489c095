import {BinaryField, binaryField} from "@web/views/fields/binary/binary_field";
import {_t} from "@web/core/l10n/translation";
import {pick} from "@web/core/utils/objects";
import {registry} from "@web/core/registry";
import {useState} from "@odoo/owl";

/**
 * A file to choose by a button that the keyboard reaches, or to drop. Where an option
 * `next` names a button of the form, it is pressed as soon as the file is there and the
 * field that `needs` names is filled in.
 */
export class FileUpload extends BinaryField {
    static template = "metered_billing.FileUpload";
    static props = {
        ...BinaryField.props,
        next: {type: String, optional: true},
        needs: {type: String, optional: true},
    };

    setup() {
        super.setup();
        this.state = useState({isOver: false});
    }

    async update(file) {
        await super.update(file);
        const {record, next, needs} = this.props;
        if (!file.data || !next || (needs && !record.data[needs])) {
            return;
        }
        await this.env.onClickViewButton({
            clickParams: {type: "object", name: next},
            // Asked for after the form is saved.
            getResParams: () =>
                pick(record, "context", "evalContext", "resModel", "resId", "resIds"),
        });
    }

    /** The same way as a chosen file, so that its size is looked at as well. */
    onDrop(ev) {
        this.state.isOver = false;
        const [file] = ev.dataTransfer.files;
        const input = ev.currentTarget.querySelector("input[type=file]");
        if (!file || !input) {
            return;
        }
        const files = new DataTransfer();
        files.items.add(file);
        input.files = files.files;
        input.dispatchEvent(new Event("change"));
    }

    onDragLeave(ev) {
        this.state.isOver = ev.currentTarget.contains(ev.relatedTarget);
    }
}

export const fileUpload = {
    ...binaryField,
    component: FileUpload,
    displayName: _t("File to read"),
    extractProps: (info) => ({
        ...binaryField.extractProps(info),
        next: info.options.next,
        needs: info.options.needs,
    }),
};

registry.category("fields").add("metered_file", fileUpload);

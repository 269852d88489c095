import {onMounted, onWillUnmount, useState} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

const POLL_MILLISECONDS = 1000;

/**
 * Values of a record that works in the background, asked for every second while it is
 * in one of the states of work; then, whether done, failed or deleted, the form is
 * loaded anew.
 *
 * It asks for the named fields only: the control totals of an import count calls, which
 * is nothing to do every second.
 *
 * @param {Object} props of the widget, with the record
 * @param {String[]} names of the fields
 * @param {String[]} states in which it works
 * @param {String[]} [watched] fields: when one of them changes, the form is loaded anew
 * @returns {Object} values as they were asked for last; empty before the first answer
 */
export function useJobValues(props, names, states, watched = []) {
    const orm = useService("orm");
    const job = useState({});
    let mounted = false;
    let timer = null;
    let seen = null;

    async function poll() {
        const {record} = props;
        const id = record.resId;
        try {
            const [values] = await orm.silent.read(
                record.resModel,
                [id],
                ["state", ...names, ...watched]
            );
            if (!mounted) {
                return;
            }
            if (!values || !states.includes(values.state)) {
                await record.load();
                return;
            }
            if (id === record.resId) {
                Object.assign(job, values);
                const now = JSON.stringify(watched.map((name) => values[name]));
                if (seen !== null && seen !== now) {
                    await record.load();
                }
                seen = now;
            }
        } catch {
            // The server restarts, or the network is away: ask again later.
        }
        if (mounted) {
            timer = setTimeout(poll, POLL_MILLISECONDS);
        }
    }

    onMounted(() => {
        mounted = true;
        poll();
    });
    onWillUnmount(() => {
        mounted = false;
        clearTimeout(timer);
    });
    return job;
}

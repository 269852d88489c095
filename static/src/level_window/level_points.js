import {formatFloat} from "@web/views/fields/formatters";

const {DateTime} = luxon;

/** A moment of the server in milliseconds: ISO, or its own format, both in UTC. */
export function millis(text) {
    return DateTime.fromISO(text.replace(" ", "T"), {zone: "utc"}).toMillis();
}

/** A level as the user writes numbers; it comes as an exact text. */
export function levelText(text) {
    return formatFloat(Number(text), {digits: [16, 6], trailingZeros: false});
}

/**
 * Rows of a series as they are drawn: each one holds until the next one.
 *
 * @param {Object} series as the server sends it
 * @param {Number} end of the last row, in milliseconds
 * @returns {Array} objects: from, until, lowest, highest, average (texts or null)
 */
export function rowsOf(series, end) {
    const begins = series.rows.map(([text]) => millis(text));
    return series.rows.map(([, lowest, highest, average], index) => ({
        from: begins[index],
        until: begins[index + 1] ?? Math.max(end, begins[index]),
        lowest,
        highest,
        average,
    }));
}

/**
 * Points of a line that goes through rows in steps, and is parted where nothing is
 * known.
 *
 * @param {Array} rows see rowsOf
 * @param {String} name lowest, highest or average
 * @param {Boolean} isHeld whether a level continues: otherwise rows are single points
 */
export function pointsOf(rows, name, isHeld) {
    return rows.flatMap((row) => {
        const y = row[name] === null ? null : Number(row[name]);
        const begin = {x: row.from, y, row};
        return isHeld ? [begin, {x: row.until, y, row}] : [begin];
    });
}

/**
 * Where an axis of time is labeled: at midnight of so many days, or at full hours.
 *
 * @returns {Object} ticks (milliseconds), format (of their labels)
 */
export function ticksOf(begin, end, zone, most) {
    const hours = (end - begin) / 3600000;
    const isLong = hours > 50;
    const unit = isLong ? 24 : 1;
    const steps = isLong ? [1, 2, 3, 4, 7, 14, 28] : [1, 2, 3, 4, 6, 12, 24];
    const step = steps.find((one) => hours / unit / one <= most) || steps.at(-1);
    const ticks = [];
    const plus = isLong ? {days: step} : {hours: step};
    let moment = DateTime.fromMillis(begin, {zone});
    while (moment.toMillis() <= end && ticks.length < 100) {
        ticks.push(moment.toMillis());
        moment = moment.plus(plus);
    }
    const format = isLong
        ? {month: "short", day: "numeric"}
        : {hour: "numeric", minute: "2-digit"};
    return {ticks, format};
}

// Numbers, sizes, shares, instants and durations as a person of this language writes them.
import { intl, numeral, t } from './i18n.js';

export const dash = '–';

export function number(n) {
	return n === null || n === undefined ? dash : numeral(n);
}

// Sizes in powers of 1000, as mail providers show quotas.
export function bytes(n) {
	if (n === null || n === undefined) return dash;
	const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
	let i = 0;
	while (n >= 1000 && i < units.length - 1) {
		n /= 1000;
		i++;
	}
	const maximumFractionDigits = i === 0 || n >= 100 ? 0 : 1;
	return intl(Intl.NumberFormat, { style: 'unit', unit: units[i], unitDisplay: i ? 'short' : 'long', maximumFractionDigits })
		.format(n);
}

// A share of work in whole per cent, rounded down, and never 100 before the last one is done.
export function percent(done, total) {
	if (!(total > 0)) return null;
	if (done >= total) return 100;
	return Math.max(0, Math.min(99, Math.floor((done / total) * 100)));
}

export function percentText(p) {
	return p === null ? dash : intl(Intl.NumberFormat, { style: 'percent' }).format(p / 100);
}

// A verification's ratio with two decimals, rounded down: 99.996 % stays 99.99 %.
export function ratio(r) {
	if (r === null || r === undefined) return dash;
	const floored = r >= 1 ? 1 : Math.floor(r * 10000 + 1e-9) / 10000;
	return intl(Intl.NumberFormat, { style: 'percent', minimumFractionDigits: r >= 1 ? 0 : 2, maximumFractionDigits: 2 })
		.format(floored);
}

export function duration(seconds) {
	if (seconds === null || seconds === undefined || !isFinite(seconds)) return dash;
	const s = Math.max(0, Math.round(seconds));
	if (s < 1) return t('time.under');
	if (s < 60) return t('time.seconds', { n: s });
	const m = Math.round(s / 60);
	if (m < 60) return t('time.minutes', { n: m });
	const h = Math.floor(m / 60);
	if (h < 24) return t('time.hours', { n: h, m: String(m % 60).padStart(2, '0') });
	return t('time.days', { n: Math.floor(h / 24), h: h % 24 });
}

// What is left until an instant, to the second: 1:02:05, with days in front where there are any.
export function countdown(seconds) {
	const s = Math.max(0, Math.ceil(seconds)), two = (n) => String(n).padStart(2, '0');
	const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24;
	return (d ? t('time.d', { n: d }) + ' ' : '') + (d ? two(h) : h) + ':' + two(Math.floor(s / 60) % 60) + ':' + two(s % 60);
}

export function instant(iso) {
	if (!iso) return dash;
	const d = new Date(iso);
	if (isNaN(d)) return String(iso);
	return intl(Intl.DateTimeFormat, { dateStyle: 'medium', timeStyle: 'short' }).format(d);
}

export function ago(iso, now = Date.now()) {
	if (!iso) return dash;
	const s = (new Date(iso).getTime() - now) / 1000;
	const steps = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30], ['month', 12], ['year', Infinity]];
	let n = s;
	for (const [unit, size] of steps) {
		if (Math.abs(n) < size) return intl(Intl.RelativeTimeFormat, { numeric: 'auto' }).format(Math.round(n), unit);
		n /= size;
	}
	return instant(iso);
}

// Who did it: a local account is written ISSUER|NAME; the issuer of this machine goes without saying.
export function person(by) {
	return String(by ?? dash).replace(/^local\|/, '');
}

export function list(items) {
	return intl(Intl.ListFormat, { type: 'conjunction' }).format(items);
}

// A bar that tells the truth: whole per cent rounded down, 100 only when the run has ended well.
import { html } from './html.js';
import { percent, percentText } from './format.js';

export function Bar({ done, total, ended = false, label, tone = '' }) {
	let p = percent(done, total);
	if (p === 100 && !ended) p = 99;
	const known = p !== null;
	return html`<div class=${'bar ' + tone + (known ? '' : ' unknown')} role="progressbar" aria-label=${label}
		aria-valuemin="0" aria-valuemax="100" aria-valuenow=${known ? p : undefined} aria-valuetext=${known ? percentText(p) : undefined}>
		<div class="bar-fill" style=${{ width: known ? p + '%' : '30%' }}></div></div>`;
}

export function barPercent(done, total, ended) {
	const p = percent(done, total);
	return p === 100 && !ended ? 99 : p;
}

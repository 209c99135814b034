// What the page tells about itself: problems with their remedy, passing messages, and one live region
// that speaks events (never every tick of a counter) to a screen reader.
import { html, useCell, useEffect } from './html.js';
import { cell } from './cell.js';
import { connection } from './api.js';
import { has, t } from './i18n.js';
import { Icon } from './icon.js';

const spoken = cell('');
export function announce(text) {
	// The same words twice in a row are still two events.
	spoken.set(spoken.get() === text ? text + '\u00a0' : text);
}

const passing = cell(null);
let timer = 0;
export function toast(text) {
	clearTimeout(timer);
	passing.set(text);
	announce(text);
	timer = setTimeout(() => passing.set(null), 6000);
}

// A problem in words: what, why, and what to do; the raw code is small but there, for the telephone.
export function ProblemBox({ problem, title }) {
	if (!problem) return null;
	const known = problem.code && has('problem.' + problem.code);
	const head = title ?? (known ? t('problem.' + problem.code) : problem.title || t('problem.unknown'));
	const detail = problem.detail && problem.detail !== head ? problem.detail : '';
	const remedy = problem.remedy || (has('remedy.' + problem.code) ? t('remedy.' + problem.code) : '');
	return html`<div class="notice bad" role="alert">
		<${Icon} name="alert" />
		<div>
			<p class="notice-head">${head}</p>
			${title && problem.title && !detail && html`<p>${problem.title}</p>`}
			${detail && html`<p>${detail}</p>`}
			${problem.errors?.length > 0 && html`<ul>${problem.errors.slice(0, 20).map((e) => html`<li>
				${e.pointer && html`<code>${e.pointer}</code>${' '}`}${e.detail ?? e.code}</li>`)}</ul>`}
			${remedy && html`<p class="remedy">${remedy}</p>`}
			${problem.code && html`<p class="code">${problem.code}${problem.status ? ' · ' + problem.status : ''}</p>`}
		</div>
	</div>`;
}

export function Notice({ kind = 'info', icon, children }) {
	const icons = { info: 'info', good: 'check', warn: 'alert', bad: 'block' };
	return html`<div class=${'notice ' + kind}><${Icon} name=${icon ?? icons[kind]} /><div>${children}</div></div>`;
}

// Over everything: the service is away. Nothing is lost; the page asks again by itself.
export function ConnectionBanner() {
	const state = useCell(connection);
	useEffect(() => connection.watch((s) => s === 'up' && announce(t('connection.back'))), []);
	if (state === 'up') return null;
	return html`<div class="banner" role="alert"><${Icon} name="alert" />
		<span><strong>${t('connection.' + state)}</strong>${' '}${t('connection.' + state + '.more')}</span></div>`;
}

export function LiveRegions() {
	const text = useCell(spoken), note = useCell(passing);
	return html`<div class="visually-hidden" role="status" aria-live="polite">${text}</div>
		${note && html`<div class="toast" role="status" aria-live="off"><${Icon} name="check" />${note}</div>`}`;
}

// Which column of a file is what: guessed from its headings, set right by hand, with a preview and each row's mistake,
// before the grid is filled.
import { html, useMemo, useState } from './html.js';
import { t } from './i18n.js';
import { check, columns, isEmpty, planOf, rowsFrom } from './mailbox-paste.js';
import { Icon } from './icon.js';

const shown = 5; // rows of the preview
const separators = [[',', 'comma'], [';', 'semicolon'], ['\t', 'tab'], ['|', 'bar']];

// A column is used once: choosing it here takes it away there.
function withColumn(map, at, name) {
	return map.map((was, i) => (i === at ? name : was === name ? null : was));
}

// A password is seen by nobody who looks over a shoulder.
const cover = (name, value) => (name?.endsWith('_password') && value ? '••••••' : value);

function Mistakes({ mistakes, heading }) {
	if (mistakes.length === 0) return null;
	return html`<div class="run-failure bad-text" role="status"><p><strong>${t('map.bad', { n: new Set(mistakes.map((e) => e.row)).size })}</strong> <span class="remedy">${t('map.bad.more')}</span></p>
		<ul>${mistakes.slice(0, 8).map((e) => html`<li>${t('map.line', { n: e.row + 1 + (heading ? 1 : 0) })} ${t('row.' + e.code, { n: (e.other ?? 0) + (heading ? 1 : 0) })}</li>`)}</ul></div>`;
}

export function CsvMapper({ text, name, taken, onFill, onClose }) {
	const [plan, setPlan] = useState(() => planOf(text));
	const rows = useMemo(() => rowsFrom(plan).filter((r) => !isEmpty(r)), [plan]);
	const mistakes = useMemo(() => check(rows, taken), [rows, taken]);
	const body = (plan.heading ? plan.grid.slice(1) : plan.grid).slice(0, shown);
	const usable = plan.map.includes('source_user') && rows.length > 0;
	return html`<section class="card mapper" aria-labelledby="mapper-head">
		<h2 id="mapper-head" class="break">${t('map.title', { name: name || t('map.pasted') })}</h2>
		<div class="toolbar">
			<label class="inline">${t('map.separator')} <select name="separator" value=${plan.sep} onChange=${(e) => setPlan(planOf(text, e.currentTarget.value))}>
				${separators.map(([sep, word]) => html`<option value=${sep} selected=${sep === plan.sep}>${t('map.' + word)}</option>`)}</select></label>
			<label class="check"><input type="checkbox" name="heading" checked=${plan.heading} onChange=${(e) => setPlan({ ...plan, heading: e.currentTarget.checked })} /><span>${t('map.heading')}</span></label>
		</div>
		<div class="scroll" tabindex="0" role="region" aria-label=${t('map.preview')}><table class="table preview"><caption class="visually-hidden">${t('map.preview')}</caption>
			<thead><tr>${plan.map.map((column, i) => html`<th scope="col"><select name=${'column-' + i} aria-label=${t('map.column', { n: i + 1 })} value=${column ?? ''}
				onChange=${(e) => setPlan({ ...plan, map: withColumn(plan.map, i, e.currentTarget.value || null) })}>
				<option value="" selected=${!column}>${t('map.ignore')}</option>${columns.map((c) => html`<option value=${c} selected=${c === column}>${t('column.' + c)}</option>`)}</select>
				${plan.heading && html`<div class="muted small break">${plan.grid[0][i] ?? ''}</div>`}</th>`)}</tr></thead>
			<tbody>${body.map((fields) => html`<tr>${plan.map.map((column, i) => html`<td class=${column ? 'break' : 'muted break'}>${cover(column, fields[i] ?? '')}</td>`)}</tr>`)}</tbody>
		</table></div>
		${!plan.map.includes('source_user') && html`<p class="bad-text" role="status">${t('map.nouser')}</p>`}
		<${Mistakes} mistakes=${usable ? mistakes : []} heading=${plan.heading} />
		<div class="form-foot"><button type="button" class="button primary" disabled=${!usable} onClick=${() => onFill(rows)}><${Icon} name="down" />${t('map.go', { n: rows.length })}</button>
			<button type="button" class="button quiet" onClick=${onClose}>${t('cancel')}</button></div>
	</section>`;
}

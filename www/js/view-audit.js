// The audit trail: who did what and when, newest first, of one migration or of all (ops lead, super admin).
import { html, useEffect, useState } from './html.js';
import { has, t, word } from './i18n.js';
import { instant, person } from './format.js';
import { get } from './api.js';
import { may } from './session.js';
import { Dialog } from './dialog.js';
import { Notice, ProblemBox } from './notice.js';

// A detail in one line: what a person looks for; the whole row is one click away.
function summary(detail) {
	return Object.entries(detail ?? {}).filter(([, v]) => v !== null && v !== '')
		.map(([k, v]) => k + ': ' + (typeof v === 'object' ? JSON.stringify(v) : v)).join(' · ');
}

const cut = (text) => (text.length > 240 ? text.slice(0, 239) + '…' : text);

const action = (name) => (has('audit.' + name) ? t('audit.' + name) : name);

function RowDialog({ row, onClose }) {
	return html`<${Dialog} wide title=${action(row.action)} onClose=${onClose}>
		<dl class="facts"><div><dt>${t('run.when')}</dt><dd>${instant(row.at)}</dd></div>
			<div><dt>${t('run.by')}</dt><dd>${person(row.actor)}</dd></div>
			<div><dt>${t('audit.subject')}</dt><dd>${row.subject ?? '–'}</dd></div></dl>
		<pre class="log" tabindex="0" aria-label=${t('audit.detail')}>${JSON.stringify(row.detail, null, 2)}</pre>
		<p class="muted small break">${t('audit.hash')}: <code>${row.hash}</code></p><//>`;
}

export function AuditView({ query }) {
	const job = query.get('job');
	const [items, setItems] = useState(null);
	const [next, setNext] = useState(null);
	const [problem, setProblem] = useState(null);
	const [open, setOpen] = useState(null);
	const [q, setQ] = useState('');
	const load = async (cursor) => {
		try {
			const page = await get('/audit?limit=200' + (job ? '&job_id=' + encodeURIComponent(job) : '') +
				(cursor ? '&cursor=' + encodeURIComponent(cursor) : ''));
			setItems((before) => (cursor ? [...before, ...page.items] : page.items));
			setNext(page.next);
			setProblem(null);
		} catch (p) {
			setProblem(p);
		}
	};
	useEffect(() => {
		document.title = t('nav.audit') + ' · ' + t('app.name');
		setItems(null);
		if (may('audit.read')) load(null);
	}, [job]);
	if (!may('audit.read')) return html`<${Notice} kind="warn">${t('forbidden')}<//>`;
	const wanted = q.trim().toLowerCase();
	const rows = (items ?? []).filter((r) => !wanted ||
		[r.actor, r.action, action(r.action), r.subject, summary(r.detail)].some((s) => (s ?? '').toLowerCase().includes(wanted)));
	return html`
		<div class="page-head"><div>${job && html`<p class="crumbs"><a href="#/">${t('nav.jobs')}</a><a href=${'#/jobs/' + encodeURIComponent(job)}>${t('audit.job', { n: job })}</a></p>`}
			<h1>${t('nav.audit')}</h1><p class="lead">${t('audit.lead')}</p></div>
			${job && html`<a class="button" href="#/audit">${t('audit.all')}</a>`}</div>
		<div class="toolbar"><label class="search"><span class="visually-hidden">${t('audit.search')}</span>
			<input type="search" value=${q} placeholder=${t('audit.search')} onInput=${(e) => setQ(e.currentTarget.value)} /></label></div>
		<${ProblemBox} problem=${problem} />
		${!items && !problem && html`<p class="muted" role="status">${t('loading')}</p>`}
		${items?.length === 0 && html`<p class="empty card">${t('audit.none')}</p>`}
		${items?.length > 0 && rows.length === 0 && html`<p class="empty card">${t('audit.nothing')}</p>`}
		${rows.length > 0 && html`<div class="card table-card"><table class="table stackable audit"><caption class="visually-hidden">${t('nav.audit')}</caption>
			<thead><tr><th scope="col" class="num">${t('run.number')}</th><th scope="col">${t('run.when')}</th><th scope="col">${t('run.by')}</th>
				<th scope="col">${t('audit.action')}</th><th scope="col">${t('audit.detail')}</th></tr></thead>
			<tbody>${rows.map((r) => html`<tr key=${r.id}><td class="num muted" data-label=${t('run.number')}>${r.id}</td>
				<td class="small cell-when" data-label=${t('run.when')}>${instant(r.at)}</td>
				<td data-label=${t('run.by')}>${person(r.actor)}${r.role && html`<div class="muted small">${word('role', r.role)}</div>`}</td>
				<td class="cell-main"><button type="button" class="link" onClick=${() => setOpen(r)}>${action(r.action)}</button>
					${r.subject && html`<div class="muted small break">${r.subject}</div>`}</td>
				<td class="small break" data-label=${t('audit.detail')}>${cut(summary(r.detail))}</td></tr>`)}</tbody></table></div>`}
		${next && html`<p class="more"><button type="button" class="button" onClick=${() => load(next)}>${t('audit.more')}</button></p>`}
		${open && html`<${RowDialog} row=${open} onClose=${() => setOpen(null)} />`}`;
}

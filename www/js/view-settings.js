// The settings that the running system sees; secrets stay hidden.
import { html, useEffect, useState } from './html.js';
import { t } from './i18n.js';
import { get } from './api.js';
import { ProblemBox } from './notice.js';

export function SettingsView() {
	const [items, setItems] = useState(null);
	const [problem, setProblem] = useState(null);
	const [q, setQ] = useState('');
	useEffect(() => {
		document.title = t('nav.settings') + ' · ' + t('app.name');
		get('/settings').then((b) => setItems(b.items), setProblem);
	}, []);
	const wanted = q.trim().toLowerCase();
	const rows = (items ?? []).filter((s) => !wanted || (s.name + ' ' + (s.help ?? '')).toLowerCase().includes(wanted));
	const shown = (v) => (v === null || v === undefined || v === '' ? html`<span class="muted">${t('settings.empty')}</span>` : String(v));
	return html`
		<div class="page-head"><div><h1>${t('nav.settings')}</h1><p class="lead">${t('settings.lead')}</p></div></div>
		<${ProblemBox} problem=${problem} />
		${items && html`<div class="toolbar"><label class="search"><span class="visually-hidden">${t('settings.search')}</span>
			<input type="search" value=${q} placeholder=${t('settings.search')} onInput=${(e) => setQ(e.currentTarget.value)} /></label></div>
		<div class="card table-card"><table class="table stackable"><caption class="visually-hidden">${t('nav.settings')}</caption>
			<thead><tr><th scope="col">${t('settings.name')}</th><th scope="col">${t('settings.value')}</th><th scope="col">${t('settings.help')}</th></tr></thead>
			<tbody>${rows.map((s) => html`<tr key=${s.name}><td class="cell-main"><code>${s.name}</code></td>
				<td data-label=${t('settings.value')} class="break">${s.worker ? html`<span class="muted">${t('settings.worker')}</span>` : html`<code>${shown(s.value)}</code>`}${!s.secret && !s.worker && String(s.value ?? '') !== String(s.default ?? '') && html`<div class="muted small">${t('settings.default', { value: String(s.default ?? '') || t('settings.empty') })}</div>`}</td>
				<td data-label=${t('settings.help')} class="small">${s.help}</td></tr>`)}</tbody></table></div>`}`;
}

// Migrations: every job, what moves, and where a person is needed.
import { html, useEffect, useMemo, useRef, useState } from './html.js';
import { memo } from './memo.js';
import { t } from './i18n.js';
import { bytes, duration, number, percentText, ago } from './format.js';
import { all } from './api.js';
import { usePoll } from './poll.js';
import { reconcile } from './reconcile.js';
import { makeRates } from './rate.js';
import { GateBadge } from './gate-badge.js';
import { Bar, barPercent } from './progress.js';
import { ProblemBox } from './notice.js';
import { Icon } from './icon.js';

const step = 60;
const rates = makeRates();

const sorts = {
	updated: (a, b) => later(a.updated_at ?? '', b.updated_at ?? '') || b.id - a.id,
	domain: (a, b) => (a.domains[0] ?? '').localeCompare(b.domains[0] ?? ''),
	progress: (a, b) => share(a) - share(b),
	gate: (a, b) => order.indexOf(a.summary?.gate) - order.indexOf(b.summary?.gate),
};
// Instants compare as they are written; a collator would cost a tenth of a second to make.
const later = (a, b) => (a < b ? 1 : a > b ? -1 : 0);
const order = ['blocked', 'warning', 'ready_for_dns', 'dns_applied'];
const share = (j) => (j.summary?.messages_total > 0 ? j.summary.messages_done / j.summary.messages_total : -1);

const filters = {
	all: () => true,
	moving: (j) => j.summary?.active_runs > 0,
	person: (j) => !(j.summary?.active_runs > 0) && j.summary?.gate !== 'dns_applied',
	ready: (j) => j.summary?.gate === 'ready_for_dns',
};

const matches = (j, q) =>
	!q || [j.ticket, j.title, ...j.domains].some((s) => (s ?? '').toLowerCase().includes(q));

const JobRow = memo(({ job }) => {
	const s = job.summary ?? {};
	const moving = s.active_runs > 0;
	const ended = !moving && s.copied === s.mailboxes && s.messages_total > 0 && s.messages_done >= s.messages_total;
	const eta = moving ? rates.eta(job.id, s.messages_total) : null;
	const rate = moving ? rates.rate(job.id) : null;
	return html`<tr>
		<td class="cell-main"><a href=${'#/jobs/' + job.id} class="row-link">${job.domains[0]}</a>
			${job.domains.length > 1 && html`<span class="muted">${' '}+${job.domains.length - 1}</span>`}
			<div class="muted">${job.title || t('jobs.untitled')}</div></td>
		<td data-label=${t('job.ticket')}>${job.ticket || html`<span class="muted">${t('job.noticket')}</span>`}</td>
		<td data-label=${t('job.mailboxes')} class="num">${number(s.mailboxes ?? 0)}</td>
		<td data-label=${t('job.progress')} class="cell-progress">
			${s.messages_total > 0 || moving ? html`<${Bar} done=${s.messages_done} total=${s.messages_total} ended=${ended}
				label=${t('job.progress.of', { domain: job.domains[0] })} tone=${moving ? 'live' : ''} />
			<div class="muted small">${percentText(barPercent(s.messages_done, s.messages_total, ended))} · ${bytes(s.bytes_done)}
				${moving && rate > 0 && html` · ${t('rate.messages', { n: Math.round(rate) })}`}
				${eta !== null && html` · ${t('eta', { time: duration(eta) })}`}</div>`
			: html`<span class="muted">${t('jobs.notstarted')}</span>`}</td>
		<td data-label=${t('gate')}>${job.status === 'closed' ? html`<span class="pill">${t('job.closed')}</span>`
			: html`<${GateBadge} verdict=${s.gate} ratio=${s.ratio ?? null} />`}</td>
		<td data-label=${t('job.updated')} class="muted small cell-ago">${ago(job.updated_at)}</td>
	</tr>`;
});

// Grows the list as its end comes into sight: a thousand jobs cost what is looked at.
export function useWindow(count, reset) {
	const [shown, setShown] = useState(step);
	const end = useRef(null);
	useEffect(() => setShown(step), [reset]);
	useEffect(() => {
		if (!end.current || shown >= count) return;
		const eye = new IntersectionObserver((entries) => {
			if (entries.some((e) => e.isIntersecting)) setShown((n) => n + step);
		}, { rootMargin: '600px' });
		eye.observe(end.current);
		return () => eye.disconnect();
	}, [shown, count]);
	return { shown, more: shown < count && html`<p ref=${end} class="more"><button type="button" class="button"
		onClick=${() => setShown((n) => n + step)}>${t('more', { n: count - shown })}</button></p>` };
}

export function JobsView() {
	const [status, setStatus] = useState('open');
	const [filter, setFilter] = useState('all');
	const [sort, setSort] = useState('updated');
	const [q, setQ] = useState('');
	const search = useRef(null);
	const { data, problem } = usePoll(async (before) => {
		const items = await all('/jobs?status=' + status);
		for (const j of items) if (j.summary) rates.note(j.id, j.summary.messages_done, Date.now());
		return reconcile(before, items);
	}, status, (items) => (items?.some((j) => j.summary?.active_runs > 0) ? 3000 : 10000));
	useEffect(() => {
		document.title = t('nav.jobs') + ' · ' + t('app.name');
		const onKey = (e) => {
			if (e.key !== '/' || e.ctrlKey || e.metaKey || e.target.closest?.('input, textarea, select, dialog')) return;
			e.preventDefault();
			search.current?.focus();
		};
		addEventListener('keydown', onKey);
		return () => removeEventListener('keydown', onKey);
	}, []);
	const wanted = q.trim().toLowerCase();
	const rows = useMemo(() => (data ?? []).filter((j) => filters[filter](j) && matches(j, wanted)).sort(sorts[sort]),
		[data, filter, sort, wanted]);
	const list = useWindow(rows.length, [status, filter, sort, wanted].join());
	return html`
		<div class="page-head">
			<div><h1>${t('nav.jobs')}</h1><p class="lead">${t('jobs.lead')}</p></div>
			<a class="button primary" href="#/new"><${Icon} name="plus" />${t('jobs.new')}</a>
		</div>
		<div class="toolbar" role="search">
			<label class="search"><span class="visually-hidden">${t('jobs.search')}</span><${Icon} name="search" />
				<input ref=${search} type="search" value=${q} placeholder=${t('jobs.search')} onInput=${(e) => setQ(e.currentTarget.value)} /></label>
			<div class="segmented" role="group" aria-label=${t('jobs.filter')}>${Object.keys(filters).map((name) => html`
				<button type="button" aria-pressed=${filter === name ? 'true' : 'false'} onClick=${() => setFilter(name)}>
					${t('jobs.filter.' + name)}${data && html`<span class="count">${number(data.filter(filters[name]).length)}</span>`}</button>`)}</div>
			<label class="inline"><span class="visually-hidden">${t('jobs.show')}</span><select value=${status} onChange=${(e) => setStatus(e.currentTarget.value)}>
				<option value="open">${t('jobs.open')}</option><option value="closed">${t('jobs.closed')}</option></select></label>
			<label class="inline"><span class="visually-hidden">${t('jobs.sort')}</span><select value=${sort} onChange=${(e) => setSort(e.currentTarget.value)}>
				${Object.keys(sorts).map((s) => html`<option value=${s}>${t('jobs.sort.' + s)}</option>`)}</select></label>
		</div>
		<${ProblemBox} problem=${problem} />
		${data === undefined && !problem && html`<p class="muted" role="status">${t('loading')}</p>`}
		${data?.length === 0 && html`<div class="empty card"><${Icon} name="mail" /><h2>${t(status === 'open' ? 'jobs.empty' : 'jobs.empty.closed')}</h2>
			${status === 'open' && html`<p>${t('jobs.empty.more')}</p><a class="button primary" href="#/new">${t('jobs.new')}</a>`}</div>`}
		${data?.length > 0 && rows.length === 0 && html`<p class="empty card">${t('jobs.none')}</p>`}
		${rows.length > 0 && html`<div class="card table-card"><table class="table stackable">
			<caption class="visually-hidden">${t('nav.jobs')}</caption>
			<thead><tr><th scope="col">${t('job.domain')}</th><th scope="col">${t('job.ticket')}</th><th scope="col" class="num">${t('job.mailboxes')}</th>
				<th scope="col">${t('job.progress')}</th><th scope="col">${t('gate')}</th><th scope="col">${t('job.updated')}</th></tr></thead>
			<tbody>${rows.slice(0, list.shown).map((job) => html`<${JobRow} key=${job.id} job=${job} />`)}</tbody>
		</table></div>${list.more}`}`;
}

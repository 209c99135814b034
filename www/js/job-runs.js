// Every run of a job, newest first, with what came of it and its log.
import { html, useState } from './html.js';
import { t } from './i18n.js';
import { duration, instant, person } from './format.js';
import { get } from './api.js';
import { usePoll } from './poll.js';
import { reconcile } from './reconcile.js';
import { cancelRuns, retryRuns } from './job-actions.js';
import { RunFailure, RunPill, RunProgress } from './mailbox-state.js';
import { LogDialog } from './run-log.js';
import { ProblemBox } from './notice.js';

const active = (run) => ['queued', 'running', 'paused', 'waiting'].includes(run.status);
const took = (run) => (run.started_at && run.finished_at ? duration((new Date(run.finished_at) - new Date(run.started_at)) / 1000) : null);

export function RunTable({ runs, names, reload }) {
	const [log, setLog] = useState(null);
	const [problem, setProblem] = useState(null);
	const act = (fn, run) => async () => {
		setProblem(null);
		try {
			await fn([run]);
		} catch (p) {
			setProblem(p);
		}
		reload();
	};
	return html`<${ProblemBox} problem=${problem} />
		<div class="card table-card"><table class="table stackable runs"><caption class="visually-hidden">${t('tab.runs')}</caption>
		<thead><tr><th scope="col" class="num">${t('run.number')}</th><th scope="col">${t('run')}</th>${names && html`<th scope="col">${t('mailbox')}</th>`}
			<th scope="col">${t('run.when')}</th><th scope="col">${t('run.by')}</th><th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
		<tbody>${runs.map((r) => html`<tr key=${r.id}>
			<td class="num muted" data-label=${t('run.number')}>${r.id}</td>
			<td class="cell-main"><${RunPill} run=${r} />${r.attempt > 1 && html` <span class="muted small">${t('run.attempt', { n: r.attempt })}</span>`}
				${active(r) && html`<${RunProgress} run=${r} label=${t('progress.of', { name: names?.get(r.mailbox_id) ?? '' })} />`}<${RunFailure} run=${r} /></td>
			${names && html`<td data-label=${t('mailbox')}>${r.mailbox_id ? html`<a href=${'#/jobs/' + r.job_id + '/mailboxes/' + r.mailbox_id}>${names.get(r.mailbox_id) ?? '#' + r.mailbox_id}</a>` : '–'}</td>`}
			<td class="small cell-when" data-label=${t('run.when')}>${instant(r.started_at ?? r.created_at)}${took(r) && html`<div class="muted">${t('run.took', { time: took(r) })}</div>`}</td>
			<td class="small" data-label=${t('run.by')}>${person(r.created_by)}${r.worker && html`<div class="muted">${r.worker}</div>`}</td>
			<td class="cell-act"><button type="button" class="button small" onClick=${() => setLog(r)}>${t('log')}</button>
				${active(r) ? html`<button type="button" class="button small" onClick=${act(cancelRuns, r)}>${t('cancel.run')}</button>`
				: ['failed', 'cancelled', 'partial'].includes(r.status) && html`<button type="button" class="button small" onClick=${act(retryRuns, r)}>${t('retry')}</button>`}</td>
		</tr>`)}</tbody></table></div>
		${log && html`<${LogDialog} run=${log} onClose=${() => setLog(null)} />`}`;
}

// The runs of a job or of one mailbox, a page at a time.
export function useRuns(path) {
	const [limit, setLimit] = useState(50);
	const poll = usePoll(async (before) => {
		const page = await get(path + (path.includes('?') ? '&' : '?') + 'limit=' + limit);
		return { items: reconcile(before?.items, page.items), next: page.next };
	}, path + limit, (d) => (d?.items.some(active) ? 2000 : 10000));
	const more = poll.data?.next && limit < 500 && html`<p class="more"><button type="button" class="button" onClick=${() => setLimit(Math.min(limit + 150, 500))}>${t('more.runs')}</button></p>`;
	return { ...poll, more };
}

export function RunList({ job, evidence }) {
	const { data, problem, reload, more } = useRuns('/jobs/' + job.id + '/runs');
	const names = new Map((evidence?.mailboxes ?? []).map((m) => [m.mailbox_id, m.source_user]));
	return html`<${ProblemBox} problem=${problem} />
		${!data && !problem && html`<p class="muted" role="status">${t('loading')}</p>`}
		${data?.items.length === 0 && html`<p class="empty card">${t('runs.none')}</p>`}
		${data?.items.length > 0 && html`<p class="muted small">${t('runs.count', { n: data.items.length })}${data.next && ' +'}</p><${RunTable} runs=${data.items} names=${names} reload=${reload} />${more}`}`;
}

// A job: what it is, how far it is, what comes next, and its parts behind tabs.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { bytes, duration, number, percentText } from './format.js';
import { all, get, request } from './api.js';
import { usePoll } from './poll.js';
import { reconcile } from './reconcile.js';
import { makeRates } from './rate.js';
import { may } from './session.js';
import { nextStep } from './job-steps.js';
import { cancelRuns, retryRuns, runsOf, startRuns } from './job-actions.js';
import { runName } from './mailbox-state.js';
import { GateBadge } from './gate-badge.js';
import { Bar, barPercent } from './progress.js';
import { ProblemBox, announce } from './notice.js';
import { Icon } from './icon.js';
import { MailboxList } from './job-mailboxes.js';
import { Verification } from './job-verification.js';
import { GatePanel } from './job-gate.js';
import { RunList } from './job-runs.js';
import { JobDetails } from './job-details.js';
import { MailboxView } from './view-mailbox.js';
import { FinalDialog } from './final-dialog.js';
import { noteThroughput, samplesOf } from './throughput-samples.js';
import { lazy } from './lazy.js';

const rates = makeRates();
const turn = () => new Promise((done) => setTimeout(done));
const AddMailboxes = lazy(() => import('./job-add.js'), 'AddMailboxes', ['add']);
const Throughput = lazy(() => import('./throughput.js'), 'Throughput', ['plot']);
const JobCheck = lazy(() => import('./job-check.js'), 'JobCheck', ['add']);

const tabs = [
	{ id: '', key: 'tab.mailboxes', view: MailboxList },
	{ id: 'folders', key: 'tab.folders', view: lazy(() => import('./job-folders.js'), 'JobFolders', ['folders']) },
	{ id: 'verification', key: 'tab.verification', view: Verification },
	{ id: 'gate', key: 'tab.gate', view: GatePanel },
	{ id: 'dns', key: 'tab.dns', view: lazy(() => import('./job-dns.js'), 'DnsPanel', ['dns']) },
	{ id: 'runs', key: 'tab.runs', view: RunList },
	{ id: 'details', key: 'tab.details', view: JobDetails },
];

// Speaks when a run of the job ends, once for all that ended since the last look.
function useAnnouncements(mailboxes) {
	const before = useRef(null);
	useEffect(() => {
		if (!mailboxes) return;
		const now = new Map(mailboxes.map((m) => [m.id, m.state?.active_run?.id ?? 0]));
		if (before.current) {
			const ended = mailboxes.filter((m) => (before.current.get(m.id) ?? 0) !== 0 && !m.state?.active_run);
			const failed = ended.filter((m) => m.state?.last_run?.status === 'failed');
			if (failed.length) announce(t('announce.failed', { n: failed.length }));
			else if (ended.length === 1) announce(t('announce.ended', { what: runName(ended[0].state.last_run), name: ended[0].source.user }));
			else if (ended.length) announce(t('announce.ended.many', { n: ended.length }));
		}
		before.current = now;
	}, [mailboxes]);
}

function NextStep({ job, mailboxes, gate, reload, tab }) {
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const [confirmFinal, setConfirmFinal] = useState(null);
	const step = nextStep(job, mailboxes, gate, may);
	const act = async (fn) => {
		setBusy(true);
		setProblem(null);
		try {
			await fn();
			await reload();
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
	};
	const start = (what) => act(() => startRuns(job.id, what, step.ids));
	const buttons = {
		add: () => html`<a class="button primary" href=${'#/jobs/' + job.id + '/add'}><${Icon} name="plus" />${t('mailboxes.add')}</a>`,
		retry: () => html`<button type="button" class="button primary" disabled=${busy}
			onClick=${() => act(() => retryRuns(runsOf(mailboxes.filter((m) => step.ids.includes(m.id)), 'last_run')))}>
			<${Icon} name="redo" />${t('retry.failed')}</button>`,
		wait: () => html`<button type="button" class="button" disabled=${busy}
			onClick=${() => confirm(t('cancel.confirm', { n: step.n })) && act(() => cancelRuns(runsOf(mailboxes, 'active_run')))}>
			<${Icon} name="stop" />${t('cancel.all')}</button>`,
		preflight: () => html`<button type="button" class="button primary" disabled=${busy} onClick=${() => start('preflight')}>${t('do.preflight')}</button>`,
		initial: () => html`<button type="button" class="button primary" disabled=${busy} onClick=${() => start('initial')}>${t('do.initial')}</button>`,
		verify: () => html`<button type="button" class="button primary" disabled=${busy} onClick=${() => start('verify')}>${t('do.verify')}</button>`,
		final: () => html`<button type="button" class="button primary" disabled=${busy} onClick=${() => setConfirmFinal(step.ids)}>${t('do.final')}</button>`,
		approve: () => tab !== 'gate' && html`<a class="button primary" href=${'#/jobs/' + job.id + '/gate'}>${t('gate.open')}</a>`,
		gate: () => tab !== 'gate' && html`<a class="button" href=${'#/jobs/' + job.id + '/gate'}>${t('gate.open')}</a>`,
		secret: () => null,
		none: () => null,
	};
	const values = { n: step.n ?? 0 };
	return html`<section class=${'next-step step-' + step.name} aria-label=${t('step')} data-step=${step.name}>
		<div class="next-text"><p class="eyebrow">${t('step')}</p><h2>${t('step.' + step.name, values)}</h2><p>${t('step.' + step.name + '.more', values)}</p></div>
		<div class="next-action">${buttons[step.action]?.()}</div>
		${problem && html`<${ProblemBox} problem=${problem} />`}
		${confirmFinal && html`<${FinalDialog} onClose=${() => setConfirmFinal(null)} n=${confirmFinal.length}
			onGo=${async () => {
				await startRuns(job.id, 'final', confirmFinal);
				setConfirmFinal(null);
				reload();
			}} />`}
	</section>`;
}

function JobHead({ job, gate }) {
	const s = job.summary ?? {};
	const moving = s.active_runs > 0;
	const ended = !moving && s.copied === s.mailboxes && s.messages_total > 0 && s.messages_done >= s.messages_total;
	const rate = moving ? rates.rate(job.id) : null, eta = moving ? rates.eta(job.id, s.messages_total) : null;
	return html`<div class="job-head">
		<div class="job-title">
			<p class="crumbs"><a href="#/">${t('nav.jobs')}</a></p>
			<h1>${job.domains[0]}</h1>
			<p class="lead">${[job.ticket && t('job.ticket.n', { ticket: job.ticket }), job.title, ...job.domains.slice(1)].filter(Boolean).join(' · ')}</p>
		</div>
		<a class="gate-link" href=${'#/jobs/' + job.id + '/gate'}><span class="visually-hidden">${t('gate')}: </span>
			<${GateBadge} verdict=${gate?.verdict ?? s.gate} ratio=${gate ? gate.ratio : s.ratio ?? null} large /></a>
	</div>
	${(s.messages_total > 0 || moving) && html`<div class="job-progress">
		<${Bar} done=${s.messages_done} total=${s.messages_total} ended=${ended} label=${t('job.progress.of', { domain: job.domains[0] })} tone=${moving ? 'live' : ''} />
		<p class="progress-line small muted"><span class="strong">${percentText(barPercent(s.messages_done, s.messages_total, ended))}</span>
			<span>${t('progress.messages', { done: number(s.messages_done), total: number(s.messages_total) })}</span>
			<span>${t('progress.bytes', { done: bytes(s.bytes_done), total: bytes(s.bytes_total) })}</span>
			${rate > 0 && html`<span>${t('rate.messages', { n: Math.round(rate) })}</span>`}
			${eta !== null && html`<span>${t('eta', { time: duration(eta) })}</span>`}</p></div>`}`;
}

export function JobView({ parts }) {
	const id = parts[1], at = parts[2] ?? '';
	const pace = (list) => (!list || !list.some((m) => m.state?.active_run) ? 8000 : list.length > 100 ? 5000 : list.length > 20 ? 2000 : 1000);
	// Reading, comparing and drawing five hundred mailboxes are three tasks: between them the browser may answer a person.
	const mailboxes = usePoll(async (before) => {
		const items = await all('/jobs/' + id + '/mailboxes');
		if (items.length > 100) await turn();
		const next = reconcile(before, items);
		if (items.length > 100) await turn();
		return next;
	}, id, pace);
	const every = () => pace(mailboxes.data);
	const job = usePoll(async () => {
		const j = await get('/jobs/' + encodeURIComponent(id));
		if (j.summary) rates.note(j.id, j.summary.messages_done, Date.now());
		return j;
	}, id, every);
	const evidence = usePoll(async () => {
		const { body, etag } = await request('GET', '/jobs/' + encodeURIComponent(id) + '/verify?folders=1');
		return evidenceOf(body, etag);
	}, id, () => Math.max(every(), 4000));
	useAnnouncements(mailboxes.data);
	// On a narrow screen the parts of a job scroll sideways.
	const shown = Boolean(job.data && mailboxes.data);
	useEffect(() => document.querySelector('.tabs [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [at, shown]);
	const domain = job.data?.domains[0];
	useEffect(() => {
		if (domain) document.title = domain + ' · ' + t('app.name');
	}, [domain]);
	const reload = () => Promise.all([mailboxes.reload(), job.reload(), evidence.reload()]);
	// A run that ends moves the gate: look at once, not at the next turn.
	const running = (mailboxes.data ?? []).filter((m) => m.state?.active_run).length;
	const last = useRef(running);
	useEffect(() => {
		if (running < last.current) {
			evidence.reload();
			job.reload();
		}
		last.current = running;
	}, [running]);

	useEffect(() => {
		const runs = (mailboxes.data ?? []).map((m) => m.state?.active_run).filter(Boolean);
		if (job.data?.summary) noteThroughput(job.data.id, { bytesPerSecond: runs.reduce((sum, r) => sum + (r.status === 'running' ? r.progress?.rate_bytes ?? 0 : 0), 0),
			messagesDone: job.data.summary.messages_done, moving: runs.length > 0 }, Date.now());
	}, [job.data, mailboxes.data]);

	if (!job.data) return job.problem ? html`<${ProblemBox} problem=${job.problem} />` : html`<p class="muted" role="status">${t('loading')}</p>`;
	if (mailboxes.data === undefined && !mailboxes.problem) return html`<p class="muted" role="status">${t('loading')}</p>`;
	const props = { job: job.data, mailboxes: mailboxes.data ?? [], evidence: evidence.data, reload, at: parts[3] };
	if (at === 'add') return html`<${AddMailboxes} ...${props} />`;
	if (at === 'mailboxes') return html`<${MailboxView} ...${props} id=${Number(parts[3])} />`;
	const tab = at === 'check' ? { view: JobCheck } : tabs.find((x) => x.id === at) ?? tabs[0];
	return html`
		<${JobHead} job=${job.data} gate=${evidence.data?.gate} />
		<${NextStep} ...${props} gate=${evidence.data?.gate} tab=${at} />
		<nav class="tabs" aria-label=${t('tabs')}>${tabs.map((x) => html`<a href=${'#/jobs/' + id + (x.id ? '/' + x.id : '')}
			aria-current=${x === tab ? 'page' : undefined}>${t(x.key)}${x.id === '' && html`<span class="count">${number(props.mailboxes.length)}</span>`}</a>`)}</nav>
		<${ProblemBox} problem=${mailboxes.problem?.status ? mailboxes.problem : null} />
		${tab.view !== MailboxList && !evidence.data && evidence.problem && html`<${ProblemBox} problem=${evidence.problem} />`}
		<${tab.view} ...${props} />
		${tab.view === MailboxList && samplesOf(job.data.id).length > 1 && html`<${Throughput} job=${job.data} />`}`;
}

const evidences = new WeakMap();
function evidenceOf(body, etag) {
	if (!evidences.has(body)) evidences.set(body, { ...body, etag: etag ?? body.gate?.etag });
	return evidences.get(body);
}

// The mailboxes of a job: live state of each, and what can be started on all or on a selection.
import { html, useMemo, useRef, useState } from './html.js';
import { firstInSight, useGradual } from './gradual.js';
import { memo } from './memo.js';
import { t } from './i18n.js';
import { ago, bytes, number, ratio } from './format.js';
import { cancelRuns, pauseRuns, resumeRuns, retryRuns, runsOf, startRuns } from './job-actions.js';
import { useAct } from './use-act.js';
import { MailboxState, missingSecret } from './mailbox-state.js';
import { failedRuns } from './job-steps.js';
import { FinalDialog } from './final-dialog.js';
import { ProblemBox } from './notice.js';
import { Icon } from './icon.js';
import { useWindow } from './view-jobs.js';

const states = {
	all: () => true,
	active: (m) => Boolean(m.state?.active_run),
	failed: (m) => !m.state?.active_run && ['failed', 'partial'].includes(m.state?.last_run?.status),
	unverified: (m) => !(m.state?.verification?.complete && m.state.verification.current),
};

const side = (m, name) => m[name].user || t('mailbox.file');

export function Verified({ verification: v }) {
	if (!v) return html`<span class="muted">${t('verify.none')}</span>`;
	const tone = v.ratio === null ? 'muted' : !v.complete || !v.current ? 'warn-text' : v.missing > 0 ? 'bad-text' : v.found_weak > 0 ? 'warn-text' : 'good-text';
	return html`<span class=${'strong ' + tone}>${ratio(v.ratio)}</span>
		<div class="muted small">${!v.complete ? t('verify.partial') : !v.current ? t('verify.stale')
			: t('verify.found', { found: number(v.found), expected: number(v.expected) })}</div>`;
}

const MailboxRow = memo(({ mailbox: m, jobId, chosen, onChoose, onAct }) => {
	const s = m.state ?? {};
	const bare = missingSecret(m);
	return html`<tr class=${chosen ? 'chosen' : ''}>
		<td class="cell-check"><input type="checkbox" checked=${chosen} onChange=${() => onChoose(m.id)} aria-label=${t('mailbox.choose', { name: side(m, 'source') })} /></td>
		<td class="cell-main"><a href=${'#/jobs/' + jobId + '/mailboxes/' + m.id} class="row-link">${side(m, 'source')}</a>
			<div class="muted small to"><${Icon} name="arrow" /><span class="visually-hidden">${t('to')}</span>${side(m, 'destination')}</div>
			${bare.length > 0 && html`<a class="pill warn" href=${'#/jobs/' + jobId + '/mailboxes/' + m.id + '/edit'}><${Icon} name="alert" />${t('secret.missing.' + (bare.length > 1 ? 'both' : bare[0]))}</a>`}</td>
		<td class="cell-state"><${MailboxState} mailbox=${m} /></td>
		<td data-label=${t('mailbox.lastpass')}>${s.last_pass ? html`${t('pass.' + s.last_pass.pass)}
			<div class="muted small">${t('pass.copied', { n: s.last_pass.copied })} · ${bytes(s.last_pass.bytes)} · ${ago(s.last_pass.at)}</div>`
			: html`<span class="muted">${t('pass.none')}</span>`}</td>
		<td data-label=${t('mailbox.verified')}><${Verified} verification=${s.verification} /></td>
		<td class="cell-act">${s.active_run ? html`<button type="button" class="button small" onClick=${() => onAct('cancel', m)}
				aria-label=${t('cancel.one', { name: side(m, 'source') })}>${t('cancel.run')}</button>`
			: s.last_run?.status === 'failed' && html`<button type="button" class="button small" onClick=${() => onAct('retry', m)}
				aria-label=${t('retry.one', { name: side(m, 'source') })}>${t('retry')}</button>`}</td>
	</tr>`;
});

// Rows are compared in parts: of a long list, a frame looks at the parts that changed.
const part = 20;
const Rows = memo(({ rows, ...rest }) => html`${rows.map((m) => html`<${MailboxRow} key=${m.id} mailbox=${m} jobId=${rest.jobId}
	chosen=${rest.chosen.has(m.id)} onChoose=${rest.onChoose} onAct=${rest.onAct} />`)}`);

// The list cut into parts; a part whose items are the same is the same array as before.
function useParts(items) {
	const before = useRef([]);
	const parts = [];
	for (let i = 0; i < items.length; i += part) {
		const next = items.slice(i, i + part), was = before.current[i / part];
		parts.push(was?.length === next.length && was.every((m, k) => m === next[k]) ? was : next);
	}
	return (before.current = parts);
}

function Actions({ job, mailboxes, picked, reload, setProblem }) {
	const [busy, act] = useAct(setProblem, reload);
	const [final, setFinal] = useState(false);
	const ids = picked.length ? picked.map((m) => m.id) : undefined;
	const target = picked.length ? picked : mailboxes;
	const active = target.filter((m) => m.state?.active_run), failed = failedRuns(target);
	const going = runsOf(active, 'active_run').filter((r) => ['running', 'waiting'].includes(r.status) && !r.pause), paused = runsOf(active, 'active_run').filter((r) => r.status === 'paused');
	const run = (what) => () => act(() => startRuns(job.id, what, ids));
	const off = busy || target.length === 0 || job.status === 'closed';
	return html`<div class="actions" role="group" aria-label=${t('actions')}>
		<span class="actions-for">${picked.length ? t('actions.selected', { n: picked.length }) : t('actions.all', { n: mailboxes.length })}</span>
		<button type="button" class="button" disabled=${off} data-do="preflight" onClick=${run('preflight')}>${t('short.preflight')}</button>
		<button type="button" class="button" disabled=${off} data-do="initial" onClick=${run('initial')}>${t('short.initial')}</button>
		<button type="button" class="button" disabled=${off} data-do="delta" onClick=${run('delta')}>${t('short.delta')}</button>
		<button type="button" class="button" disabled=${off} data-do="final" onClick=${() => setFinal(true)}>${t('short.final')}</button>
		<button type="button" class="button" disabled=${off} data-do="verify" onClick=${run('verify')}>${t('short.verify')}</button>
		${failed.length > 0 && html`<button type="button" class="button" disabled=${off} data-do="retry"
			onClick=${() => act(() => retryRuns(runsOf(failed, 'last_run')))}>${t('retry.n', { n: failed.length })}</button>`}
		${going.length > 0 && html`<button type="button" class="button" disabled=${busy} data-do="pause" onClick=${() => act(() => pauseRuns(going))}>${t('pause.n', { n: going.length })}</button>`}
		${paused.length > 0 && html`<button type="button" class="button" disabled=${busy} data-do="resume" onClick=${() => act(() => resumeRuns(paused))}>${t('resume.n', { n: paused.length })}</button>`}
		${active.length > 0 && html`<button type="button" class="button danger" disabled=${busy} data-do="cancel"
			onClick=${() => confirm(t('cancel.confirm', { n: active.length })) && act(() => cancelRuns(runsOf(active, 'active_run')))}>${t('cancel.n', { n: active.length })}</button>`}
		${final && html`<${FinalDialog} n=${target.length} onClose=${() => setFinal(false)} onGo=${async () => {
			await startRuns(job.id, 'final', ids);
			setFinal(false);
			reload();
		}} />`}
	</div>`;
}

export function MailboxList({ job, mailboxes, reload }) {
	const [chosen, setChosen] = useState(() => new Set());
	const [q, setQ] = useState('');
	const [state, setState] = useState('all');
	const [problem, setProblem] = useState(null);
	const wanted = q.trim().toLowerCase();
	const rows = useMemo(() => mailboxes.filter((m) => states[state](m) &&
		(!wanted || (m.source.user + ' ' + m.destination.user).toLowerCase().includes(wanted))), [mailboxes, state, wanted]);
	const list = useWindow(rows.length, state + wanted);
	const body = useRef(null);
	const parts = useParts(useGradual(rows, () => firstInSight(body.current)).slice(0, list.shown));
	const toggle = useMemo(() => (id) => setChosen((was) => {
		const next = new Set(was);
		if (!next.delete(id)) next.add(id);
		return next;
	}), []);
	const onAct = useMemo(() => async (what, m) => {
		setProblem(null);
		try {
			if (what === 'cancel') await cancelRuns([m.state.active_run]);
			else await retryRuns([m.state.last_run]);
		} catch (p) {
			setProblem(p);
		}
		reload();
	}, [job.id]);
	const picked = mailboxes.filter((m) => chosen.has(m.id));
	const everyone = rows.length > 0 && rows.every((m) => chosen.has(m.id));
	if (mailboxes.length === 0)
		return html`<div class="empty card"><${Icon} name="mail" /><h2>${t('mailboxes.empty')}</h2><p>${t('mailboxes.empty.more')}</p></div>`;
	return html`
		<div class="toolbar">
			<label class="search"><span class="visually-hidden">${t('mailboxes.search')}</span><${Icon} name="search" />
				<input type="search" value=${q} placeholder=${t('mailboxes.search')} onInput=${(e) => setQ(e.currentTarget.value)} /></label>
			<div class="segmented" role="group" aria-label=${t('jobs.filter')}>${Object.keys(states).map((name) => html`
				<button type="button" aria-pressed=${state === name ? 'true' : 'false'} onClick=${() => setState(name)}>${t('mailboxes.' + name)}
					<span class="count">${number(mailboxes.filter(states[name]).length)}</span></button>`)}</div>
			<a class="button" href=${'#/jobs/' + job.id + '/add'}><${Icon} name="plus" />${t('mailboxes.add')}</a>
		</div>
		<${Actions} job=${job} mailboxes=${mailboxes} picked=${picked} reload=${reload} setProblem=${setProblem} />
		<${ProblemBox} problem=${problem} />
		<div class="card table-card"><table class="table stackable mailboxes rows-in-sight">
			<caption class="visually-hidden">${t('tab.mailboxes')}</caption>
			<thead><tr><th scope="col" class="cell-check"><input type="checkbox" checked=${everyone} aria-label=${t('mailbox.choose.all')}
				onChange=${() => setChosen(everyone ? new Set() : new Set(rows.map((m) => m.id)))} /></th>
				<th scope="col">${t('mailbox')}</th><th scope="col">${t('mailbox.state')}</th><th scope="col">${t('mailbox.lastpass')}</th>
				<th scope="col">${t('mailbox.verified')}</th><th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
			<tbody ref=${body}>${parts.map((rows, i) => html`<${Rows} key=${i} rows=${rows} jobId=${job.id} chosen=${chosen} onChoose=${toggle} onAct=${onAct} />`)}</tbody>
		</table></div>${list.more}
		${rows.length === 0 && html`<p class="empty card">${t('mailboxes.none')}</p>`}`;
}

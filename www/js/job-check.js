// Preflight, a line for each mailbox: green with what was found, or red with what to do about it.
import { html, useState } from './html.js';
import { language, t } from './i18n.js';
import { bytes, number } from './format.js';
import { startRuns } from './job-actions.js';
import { checkVerdict } from './job-steps.js';
import { RunFailure, RunPill, missingSecret } from './mailbox-state.js';
import { Notice, ProblemBox } from './notice.js';
import { Icon } from './icon.js';

export const verdictOf = (m) => checkVerdict(m, missingSecret(m).length > 0);

const icons = { bare: 'alert', wait: 'clock', new: 'clock', bad: 'cross', warn: 'alert', good: 'check' };
const tones = { bare: 'warn', wait: 'live', new: '', bad: 'bad', warn: 'good', good: 'good' };

// What both sides told: folders, messages and sizes at the source; room at the destination.
function Found({ checks }) {
	const of = (side, name) => checks?.find((c) => c.side === side && c.name === name && c.ok);
	const list = of('source', 'list'), quota = of('destination', 'quota');
	if (!list) return null;
	return html`<p class="muted small">${t('check.found', { folders: number(list.folders), messages: number(list.messages), size: list.bytes ? bytes(list.bytes) : '–' })}
		${quota?.quota_limit > 0 && html` · ${t('check.room', { size: bytes(Math.max(0, quota.quota_limit - quota.quota_used)) })}`}</p>`;
}

const adviceText = (a) => (language.get() === 'pt' && a.message_pt ? a.message_pt : a.message);

function Advice({ advice }) {
	if (!advice?.length) return null;
	return html`<details class="advice"><summary>${t('check.advice', { n: advice.length })}</summary><ul>${advice.map((a) => html`<li>${adviceText(a)}${a.detail && html` <span class="muted break">${a.detail}</span>`}</li>`)}</ul></details>`;
}

function Side({ checks }) {
	const failed = checks?.find((c) => !c.ok);
	return failed ? html`<p class="small"><strong>${t('new.' + failed.side)}</strong>${': '}${t('check.step.' + failed.name)}</p>` : null;
}

function Line({ mailbox: m, jobId, onCheck }) {
	const verdict = verdictOf(m), run = m.state?.active_run ?? m.state?.last_run;
	const edit = '#/jobs/' + jobId + '/mailboxes/' + m.id + '/edit', own = run?.kind === 'preflight' || verdict === 'bad' ? run : null;
	return html`<tr data-check=${verdict}>
		<td class="cell-main"><a class="row-link" href=${'#/jobs/' + jobId + '/mailboxes/' + m.id}>${m.source.user || t('mailbox.file')}</a>
			<div class="muted small to"><${Icon} name="arrow" /><span class="visually-hidden">${t('to')}</span>${m.destination.user}</div></td>
		<td><span class=${'pill ' + tones[verdict]}><${Icon} name=${icons[verdict]} />${t('check.' + verdict)}</span>
			${verdict === 'wait' && html` <${RunPill} run=${run} />`}
			${verdict === 'bare' && html`<p class="remedy">${t('secret.missing.' + (missingSecret(m).length > 1 ? 'both' : missingSecret(m)[0]))}. ${t('secret.enter')}</p>`}
			${verdict === 'bad' && html`<${Side} checks=${own?.result?.checks} />`}
			${own && !m.state.active_run && html`<${RunFailure} run=${own} /><${Found} checks=${own.result?.checks} /><${Advice} advice=${own.result?.advice} />`}</td>
		<td class="cell-act">${['bare', 'bad'].includes(verdict) && html`<a class="button small" href=${edit}>${t('check.mend')}</a>`}
			${['bad', 'new', 'warn', 'good'].includes(verdict) && html`<button type="button" class="button small" onClick=${() => onCheck([m])}>${t('check.again')}</button>`}</td></tr>`;
}

export function JobCheck({ job, mailboxes, reload }) {
	const [problem, setProblem] = useState(null);
	const count = (...names) => mailboxes.filter((m) => names.includes(verdictOf(m))).length;
	const bad = mailboxes.filter((m) => verdictOf(m) === 'bad');
	const order = ['bad', 'bare', 'wait', 'new', 'warn', 'good'];
	const rows = [...mailboxes].sort((a, b) => order.indexOf(verdictOf(a)) - order.indexOf(verdictOf(b)) || a.id - b.id);
	const check = async (list) => {
		setProblem(null);
		try {
			await startRuns(job.id, 'preflight', list.map((m) => m.id));
		} catch (p) {
			setProblem(p);
		}
		reload();
	};
	const waiting = count('wait'), red = bad.length, bare = count('bare');
	return html`<div class="page-head"><div><h2>${t('check.title')}</h2>
			<p class="lead" role="status">${t('check.sum', { good: number(count('good', 'warn')), n: mailboxes.length })}${waiting > 0 && html` · ${t('check.waiting', { n: waiting })}`}</p></div>
			<div class="form-foot">${red > 0 && html`<button type="button" class="button" data-do="recheck" onClick=${() => check(bad)}>${t('check.againall', { n: red })}</button>`}
			<a class="button primary" href=${'#/jobs/' + job.id}>${t('check.continue')}</a></div></div>
		<${ProblemBox} problem=${problem} />
		${waiting === 0 && red + bare === 0 && count('new') === 0 && mailboxes.length > 0 && html`<${Notice} kind="good">${t('check.allgood')}<//>`}
		${mailboxes.length > 0 && html`<div class="card table-card"><table class="table stackable mailboxes preflight"><caption class="visually-hidden">${t('check.title')}</caption>
			<thead><tr><th scope="col">${t('mailbox')}</th><th scope="col">${t('kind.preflight')}</th><th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
			<tbody>${rows.map((m) => html`<${Line} key=${m.id} mailbox=${m} jobId=${job.id} onCheck=${check} />`)}</tbody></table></div>`}`;
}

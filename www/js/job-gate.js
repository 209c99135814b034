// May the domain's MX be changed? The verdict, the facts behind it, and who said yes.
import { html, useState } from './html.js';
import { has, t, word } from './i18n.js';
import { instant, number, person, ratio } from './format.js';
import { may } from './session.js';
import { GateBadge } from './gate-badge.js';
import { ApproveDialog, OverrideDialog, RevokeDialog } from './gate-dialogs.js';
import { AcceptForm } from './missing-dialog.js';
import { Dialog } from './dialog.js';
import { Notice } from './notice.js';
import { Icon } from './icon.js';

// Which reasons a lead may accept with a written reason, and as what.
const acceptable = {
	'mailbox.missing_unexplained': 'missing',
	'mailbox.weak_unaccepted': 'weak',
	'mailbox.refusals_unaccepted': 'refusal',
	'mailbox.excluded_unaccepted': 'excluded',
	'source.empty': 'source.empty',
	'source.shrank': 'source.shrank',
	'mailbox.removed': 'mailbox.removed',
};

// How many of what a person would accept, as far as the evidence tells.
function countOf(what, row) {
	const v = row?.verification;
	return { missing: v?.unexplained ?? v?.missing, weak: v?.found_weak, refusal: row?.last_pass?.refused, excluded: v?.excluded }[what] ?? 0;
}

// Reasons of one kind are one line with the mailboxes under it.
function Reasons({ gate, job, rows, names, onAccept }) {
	const groups = new Map();
	for (const r of gate.reasons) {
		const key = r.code + (r.covered ? '+' : '');
		if (!groups.has(key)) groups.set(key, []);
		groups.get(key).push(r);
	}
	return html`<ul class="reasons">${[...groups.values()].map((list) => {
		const first = list[0];
		const words = has('reason.' + first.code) ? t('reason.' + first.code) : first.detail || first.code;
		const ofMailboxes = list.filter((r) => r.mailbox_id);
		return html`<li class=${first.covered ? 'covered' : ''} data-reason=${first.code}>
			<${Icon} name=${first.covered ? 'shield' : first.code === 'gate.not_approved' ? 'clock' : 'alert'} />
			<div><p><strong>${words}</strong>${first.covered && html` <span class="pill info">${t('reason.covered')}</span>`}</p>
				${has('reason.' + first.code + '.more') && html`<p class="remedy">${t('reason.' + first.code + '.more')}</p>`}
				${ofMailboxes.length > 0 && html`<ul class="reason-mailboxes">${ofMailboxes.slice(0, 50).map((r) => html`<li>
					<a href=${'#/jobs/' + job.id + '/mailboxes/' + r.mailbox_id}>${names.get(r.mailbox_id) ?? '#' + r.mailbox_id}</a>
					${r.detail && html`<span class="muted small">${r.detail}</span>`}
					${acceptable[r.code] && !r.covered && may('gate.approve') && html`<button type="button" class="button small" onClick=${() => onAccept(r)}>${t('accept.open')}</button>`}
				</li>`)}</ul>`}
				${ofMailboxes.length > 50 && html`<p class="muted small">${t('reason.more', { n: ofMailboxes.length - 50 })}</p>`}
				${ofMailboxes.length === 0 && first.detail && first.detail !== words && first.detail !== 'not approved' && html`<p class="muted small">${first.detail}</p>`}
			</div></li>`;
	})}</ul>`;
}

function Said({ title, who, children }) {
	return html`<div class=${'said' + (who.valid ? ' valid' : ' void')}><${Icon} name=${who.valid ? 'check' : 'cross'} />
		<div><p><strong>${title}</strong>${' '}<span class=${'pill ' + (who.valid ? 'good' : 'bad')}>${t(who.valid ? 'said.valid' : 'said.void')}</span></p>
			<p>${t('said.by', { name: who.name || person(who.by), role: word('role', who.role), when: instant(who.at) })}</p>${children}</div></div>`;
}

export function GatePanel({ job, evidence, reload }) {
	const [dialog, setDialog] = useState(null);
	const [accept, setAccept] = useState(null);
	if (!evidence) return html`<p class="muted" role="status">${t('loading')}</p>`;
	const gate = evidence.gate, close = () => setDialog(null);
	const names = new Map(evidence.mailboxes.map((m) => [m.mailbox_id, m.source_user]));
	const row = accept && evidence.mailboxes.find((m) => m.mailbox_id === accept.mailbox_id);
	const open = gate.reasons.filter((r) => !r.covered);
	const overridden = gate.ready && gate.override?.valid && !gate.approval?.valid;
	const approvable = gate.verdict === 'warning' && gate.reasons.every((r) => r.covered || r.code === 'gate.not_approved' || r.code === 'gate.approval_void');
	const dialogs = { approve: ApproveDialog, override: OverrideDialog, revoke: RevokeDialog };
	const DialogNow = dialogs[dialog?.kind];
	const ask = (kind) => () => setDialog({ kind });
	return html`<div class="gate-panel">
		<section class="card" aria-labelledby="verdict-head">
			<div class="verdict"><div><h2 id="verdict-head">${t('gate.of', { domain: gate.domain })}</h2><p class="lead">${t(overridden ? 'gate.overridden.more' : 'verdict.' + gate.verdict + '.more')}</p></div>
				<${GateBadge} verdict=${gate.verdict} large /></div>
			<dl class="facts">
				<div><dt>${t('ratio')}</dt><dd>${ratio(gate.ratio)}</dd></div>
				<div><dt>${t('job.mailboxes')}</dt><dd>${number(gate.mailboxes)}</dd></div>
				<div><dt>${t('gate.mx')}</dt><dd>${t(gate.ready ? 'gate.mx.yes' : 'gate.mx.no')}</dd></div>
			</dl>
			${gate.job_ids?.length > 1 && html`<${Notice} kind="info">${t('gate.jobs', { n: gate.job_ids.length })}<//>`}
			${gate.reasons.length > 0 ? html`<h3>${t(open.length ? 'gate.reasons' : 'gate.aside')}</h3><${Reasons} gate=${gate} job=${job} rows=${evidence.mailboxes} names=${names} onAccept=${setAccept} />`
			: gate.verdict === 'ready_for_dns' && html`<${Notice} kind="good">${t('gate.nothing')}<//>`}
		</section>
		<section class="card" aria-labelledby="approval-head">
			<h2 id="approval-head">${t('gate.approval')}</h2>
			${gate.approval && html`<${Said} title=${t('gate.approved')} who=${gate.approval}>
				${gate.approval.comment && html`<p>${gate.approval.comment}</p>`}
				${gate.approval.void_because && html`<p class="bad-text">${t('said.because', { why: word('void', gate.approval.void_because) })}</p>`}<//>`}
			${gate.override && html`<${Said} title=${t('gate.overridden')} who=${gate.override}><blockquote>${gate.override.reason}</blockquote>
				<p class="muted small">${t('said.until', { when: instant(gate.override.expires_at) })}</p><//>`}
			${!gate.approval && !gate.override && html`<p>${t('gate.noapproval')}</p>`}
			${may('gate.approve') || may('gate.override') ? html`<div class="form-foot">
				${may('gate.approve') && !gate.ready && !gate.approval?.valid && html`<button type="button" class="button primary" disabled=${!approvable} aria-describedby=${approvable ? undefined : 'why-not'}
					data-do="approve" onClick=${ask('approve')}>${t('gate.approve')}</button>`}
				${may('gate.approve') && (gate.approval?.valid || gate.override?.valid) && html`<button type="button" class="button danger" data-do="revoke" onClick=${ask('revoke')}>${t('gate.revoke')}</button>`}
				${may('gate.override') && !gate.ready && html`<button type="button" class="button danger" data-do="override" onClick=${ask('override')}>${t('gate.override')}</button>`}
			</div>
			${may('gate.approve') && !approvable && !gate.ready && !gate.approval?.valid && html`<p class="muted small" id="why-not">${t('gate.notyet')}</p>`}`
			: html`<p class="muted">${t('gate.others')}</p>`}
		</section>
		${DialogNow && html`<${DialogNow} job=${job} gate=${gate} etag=${evidence.etag} names=${names} onClose=${close} onDone=${() => {
			close();
			reload();
		}} reload=${reload} />`}
		${accept && html`<${Dialog} title=${t('accept.title', { name: names.get(accept.mailbox_id) ?? '' })} onClose=${() => setAccept(null)}>
			<${AcceptForm} mailboxId=${accept.mailbox_id} what=${acceptable[accept.code]} count=${countOf(acceptable[accept.code], row)} onClose=${() => setAccept(null)} onDone=${() => {
				setAccept(null);
				reload();
			}} /><//>`}
	</div>`;
}

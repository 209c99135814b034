// Approve, revoke, override: each says what exactly is decided, on what was seen. Facts that move meanwhile
// come back as 412; then the dialog shows what changed and the decision starts anew.
import { html, useRef, useState } from './html.js';
import { t, word } from './i18n.js';
import { number, ratio } from './format.js';
import { post } from './api.js';
import { gateDiff } from './gate-diff.js';
import { Dialog } from './dialog.js';
import { Field, TextField } from './field.js';
import { GateBadge } from './gate-badge.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { ReasonText } from './gate-reason.js';

const shown = { verdict: (v) => word('verdict', v), ratio, mailboxes: number };

function Changes({ changes, names }) {
	return html`<${Notice} kind="warn"><p class="notice-head">${t('gate.changed')}</p>
		<ul data-changes>${changes.map((c) => html`<li>${c.reason ? html`${t('change.' + c.what)}${' '}<${ReasonText} reason=${c.reason} names=${names} />`
			: t('change.value', { what: t('change.' + c.what), before: shown[c.what](c.before), after: shown[c.what](c.after) })}</li>`)}
			${changes.length === 0 && html`<li>${t('change.other')}</li>`}</ul><p>${t('gate.changed.more')}</p><//>`;
}

// The gate as the person sees it in this dialog, and what changed when it was refused with 412.
function useDecision({ job, gate, etag, reload, onDone }) {
	const [seen, setSeen] = useState({ gate, etag });
	const [changes, setChanges] = useState(null);
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const waiting = useRef(false);
	// After a 412 the fresh gate arrives by the parent's poll, as new properties.
	if (waiting.current && etag !== seen.etag) {
		waiting.current = false;
		setChanges(gateDiff(seen.gate, gate));
		setSeen({ gate, etag });
		setBusy(false);
	}
	const send = async (verb, body, done) => {
		setBusy(true);
		setProblem(null);
		setChanges(null);
		try {
			await post('/jobs/' + job.id + '/' + verb, body, { ifMatch: seen.etag });
			toast(done);
			onDone();
		} catch (p) {
			if (p.status === 412) {
				waiting.current = true;
				await reload();
				return { moved: true };
			}
			setProblem(p);
			setBusy(false);
		}
		return { moved: false };
	};
	return { seen: seen.gate, changes, problem, busy, send };
}

export function ApproveDialog(props) {
	const { job, names, onClose } = props;
	const d = useDecision(props);
	const [count, setCount] = useState('');
	const [comment, setComment] = useState('');
	const right = Number(count) === d.seen.mailboxes && count.trim() !== '';
	const submit = async (e) => {
		e.preventDefault();
		if (!right) return;
		const { moved } = await d.send('approve-gate', { mailboxes: Number(count), ...(comment.trim() && { comment: comment.trim() }) }, t('gate.approve.done'));
		if (moved) setCount('');
	};
	return html`<${Dialog} title=${t('gate.approve.title')} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		${d.changes && html`<${Changes} changes=${d.changes} names=${names} />`}
		<p>${t('gate.approve.text', { domain: d.seen.domain, n: d.seen.mailboxes })}</p>
		<dl class="facts"><div><dt>${t('ratio')}</dt><dd>${ratio(d.seen.ratio)}</dd></div><div><dt>${t('job.mailboxes')}</dt><dd>${number(d.seen.mailboxes)}</dd></div>
			<div><dt>${t('gate')}</dt><dd><${GateBadge} verdict=${d.seen.verdict} /></dd></div></dl>
		<${TextField} label=${t('gate.count')} hint=${t('gate.count.hint')} value=${count} onValue=${setCount} inputmode="numeric" name="mailboxes" autocomplete="off" data-autofocus
			error=${count !== '' && !right ? t('gate.count.wrong', { n: d.seen.mailboxes }) : undefined} />
		<${TextField} label=${t('comment')} optional value=${comment} onValue=${setComment} name="comment" />
		<${ProblemBox} problem=${d.problem} />
		<div class="form-foot"><button class="button primary" type="submit" disabled=${!right || d.busy}>${t('gate.approve.go')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div>
	</form><//>`;
}

export function RevokeDialog(props) {
	const d = useDecision(props);
	const [reason, setReason] = useState('');
	const submit = (e) => {
		e.preventDefault();
		d.send('revoke-gate', { reason: reason.trim() }, t('gate.revoke.done'));
	};
	return html`<${Dialog} title=${t('gate.revoke.title')} onClose=${props.onClose}><form class="stack" onSubmit=${submit}>
		${d.changes && html`<${Changes} changes=${d.changes} names=${props.names} />`}
		<p>${t('gate.revoke.text')}</p>
		<${Field} label=${t('reason')}>${(a) => html`<textarea ...${a} name="reason" rows="3" required data-autofocus value=${reason} onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${ProblemBox} problem=${d.problem} />
		<div class="form-foot"><button class="button danger" type="submit" disabled=${reason.trim().length < 3 || d.busy}>${t('gate.revoke.go')}</button>
			<button class="button quiet" type="button" onClick=${props.onClose}>${t('cancel')}</button></div>
	</form><//>`;
}

// Asked twice: first the reason, then the domain's name in the person's own hand.
export function OverrideDialog(props) {
	const { names, onClose } = props;
	const d = useDecision(props);
	const [reason, setReason] = useState('');
	const [second, setSecond] = useState(false);
	const [typed, setTyped] = useState('');
	const right = typed.trim().toLowerCase() === d.seen.domain.toLowerCase();
	const submit = async (e) => {
		e.preventDefault();
		if (!second) return setSecond(true);
		if (!right) return;
		const { moved } = await d.send('override-gate', { mailboxes: d.seen.mailboxes, reason: reason.trim() }, t('gate.override.done'));
		if (moved) {
			setSecond(false);
			setTyped('');
		}
	};
	const open = d.seen.reasons.filter((r) => !r.covered);
	return html`<${Dialog} title=${t('gate.override.go')} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		${d.changes && html`<${Changes} changes=${d.changes} names=${names} />`}
		<${Notice} kind="bad"><p class="notice-head">${t('gate.override.text', { n: d.seen.mailboxes })}</p>
			<ul>${open.slice(0, 12).map((r) => html`<li><${ReasonText} reason=${r} names=${names} /></li>`)}</ul>
			${open.length > 12 && html`<p>${t('reason.more', { n: open.length - 12 })}</p>`}<//>
		<${Field} label=${t('reason')} hint=${t('gate.override.hint')}>${(a) => html`<textarea ...${a} name="reason" rows="3" required disabled=${second} data-autofocus value=${reason} onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		${second && html`<${TextField} label=${t('gate.override.type', { domain: d.seen.domain })} value=${typed} onValue=${setTyped} name="domain" autocomplete="off" autocapitalize="none" spellcheck=${false} autofocus />`}
		<${ProblemBox} problem=${d.problem} />
		<div class="form-foot">${second
			? html`<button class="button danger" key="go" type="submit" disabled=${!right || d.busy}>${t('gate.override.go')}</button>`
			: html`<button class="button danger" key="next" type="submit" disabled=${reason.trim().length < 10}>${t('continue')}</button>`}
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div>
	</form><//>`;
}

// The messages that a verification did not find, and accepting them with a reason (those who may).
import { html, useEffect, useState } from './html.js';
import { t, word } from './i18n.js';
import { bytes, instant, number } from './format.js';
import { all, post } from './api.js';
import { may } from './session.js';
import { Dialog } from './dialog.js';
import { Field } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';

// what: one of the words of missing/accept; count: how many the person has seen.
export function AcceptForm({ mailboxId, what, count, onDone, onClose }) {
	const [reason, setReason] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		try {
			await post('/mailboxes/' + mailboxId + '/missing/accept', { what, reason: reason.trim(), count });
			toast(t('accept.done'));
			onDone();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<form class="stack" onSubmit=${submit}>
		<${Notice} kind="warn">${t('accept.' + what, { n: count })}<//>
		<${Field} label=${t('reason')} hint=${t('accept.reason.hint')}>${(a) => html`<textarea ...${a} rows="3" required value=${reason} data-autofocus
			onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button primary" type="submit" disabled=${busy || reason.trim().length < 3}>${t('accept.go')}</button>
			${onClose && html`<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button>`}</div>
	</form>`;
}

export function MissingDialog({ row, onClose, onChange }) {
	const [items, setItems] = useState(null);
	const [problem, setProblem] = useState(null);
	const [what, setWhat] = useState(null);
	useEffect(() => {
		all('/mailboxes/' + row.mailbox_id + '/missing').then(setItems, setProblem);
	}, []);
	const v = row.verification;
	const offers = [['missing', v.missing], ['weak', v.found_weak]].filter(([, n]) => n > 0);
	return html`<${Dialog} wide title=${t('missing.title', { name: row.source_user })} onClose=${onClose}>
		<${ProblemBox} problem=${problem} />
		${!items && !problem && html`<p class="muted">${t('loading')}</p>`}
		${items?.length === 0 && html`<p>${t('missing.none')}</p>`}
		${items?.length > 0 && html`<div class="scroll"><table class="table stackable">
			<caption class="visually-hidden">${t('missing.title', { name: row.source_user })}</caption>
			<thead><tr><th scope="col">${t('folder')}</th><th scope="col">${t('message')}</th><th scope="col">${t('date')}</th>
				<th scope="col" class="num">${t('size')}</th><th scope="col">${t('missing.class')}</th></tr></thead>
			<tbody>${items.slice(0, 500).map((m) => html`<tr><td data-label=${t('folder')}>${m.folder}</td>
				<td class="cell-main">${m.subject || t('nosubject')}<div class="muted small">${m.from}</div></td>
				<td class="small" data-label=${t('date')}>${instant(m.date)}</td><td class="num" data-label=${t('size')}>${bytes(m.size)}</td>
				<td data-label=${t('missing.class')}>${word('class', m.class)}${m.detail && html`<div class="muted small">${m.detail}</div>`}</td></tr>`)}</tbody>
		</table></div>${items.length > 500 && html`<p class="muted">${t('missing.cut', { n: number(items.length) })}</p>`}`}
		${may('gate.approve') && (what ? html`<${AcceptForm} mailboxId=${row.mailbox_id} what=${what[0]} count=${what[1]} onClose=${() => setWhat(null)} onDone=${() => {
			onChange();
			onClose();
		}} />` : html`<div class="form-foot">${offers.map((o) => html`<button type="button" class="button" onClick=${() => setWhat(o)}>${t('accept.offer.' + o[0], { n: o[1] })}</button>`)}</div>`)}
	<//>`;
}

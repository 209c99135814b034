// A file becomes the source of a mailbox: of one that is in a migration already, or of a new one.
import { html, useEffect, useMemo, useRef, useState } from './html.js';
import { t, word } from './i18n.js';
import { all, newKey, patch, post, request } from './api.js';
import { go } from './router.js';
import { othersNamed, sourceKind } from './upload-kind.js';
import { Dialog } from './dialog.js';
import { SelectField, TextField } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';

const NEW = 'new';
const nameOf = (m) => m.destination.user || m.source.user;

// What the mailbox had as its source until now, in words.
function before(m) {
	if ((m.source.kind ?? 'imap') !== 'imap') return t('upload.replaces.file');
	return t('upload.replaces', { user: m.source.user, host: m.source.host });
}

function useMailboxes(job) {
	const [mailboxes, setMailboxes] = useState(null);
	const [problem, setProblem] = useState(null);
	useEffect(() => {
		setMailboxes(null);
		setProblem(null);
		if (job) all('/jobs/' + job + '/mailboxes').then(setMailboxes, setProblem);
	}, [job]);
	return { mailboxes, problem };
}

// The mailbox whose person the file's name speaks of, when there is exactly one.
function guess(mailboxes, fileName) {
	const named = othersNamed(fileName, '', mailboxes.map(nameOf));
	const found = mailboxes.filter((m) => named.includes(nameOf(m)));
	return found.length === 1 ? String(found[0].id) : '';
}

async function give(upload, mailbox) {
	const path = '/mailboxes/' + mailbox.id;
	const { etag } = await request('GET', path);
	await patch(path, { source: { kind: sourceKind(upload.kind), upload_id: upload.id, user: upload.name } }, etag);
}

async function addNew(upload, job, user, secret, key) {
	const destination = { user };
	if (secret) destination.secret = secret;
	await post('/jobs/' + job + '/mailboxes', { source: { kind: sourceKind(upload.kind), upload_id: upload.id, user: upload.name }, destination }, { key });
}

// wanted: the number of the migration that the person came from.
export function AssignDialog({ upload, wanted, onClose }) {
	const [jobs, setJobs] = useState(null);
	const [job, setJob] = useState('');
	const [chosen, setChosen] = useState('');
	const [user, setUser] = useState('');
	const [secret, setSecret] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const key = useRef(newKey());
	const { mailboxes, problem: unread } = useMailboxes(job);
	useEffect(() => {
		all('/jobs?status=open').then((list) => {
			setJobs(list);
			if (list.length === 1) setJob(String(list[0].id));
			else if (list.some((j) => String(j.id) === wanted)) setJob(wanted);
		}, setProblem);
	}, []);
	useEffect(() => {
		if (mailboxes) setChosen(mailboxes.length === 0 ? NEW : guess(mailboxes, upload.name));
	}, [mailboxes]);
	const mailbox = mailboxes?.find((m) => String(m.id) === chosen);
	const target = chosen === NEW ? user.trim() : mailbox ? nameOf(mailbox) : '';
	const others = useMemo(() => (target && mailboxes ? othersNamed(upload.name, target, mailboxes.map(nameOf)) : []), [target, mailboxes]);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		try {
			if (mailbox) await give(upload, mailbox);
			else await addNew(upload, job, user.trim(), secret, key.current);
			toast(t('upload.assigned', { name: upload.name, mailbox: target }));
			onClose();
			if (!wanted) go('/jobs/' + job);
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${t('upload.assign.title')} onClose=${onClose}><form class="stack" onSubmit=${submit} novalidate>
		<p><strong class="break">${upload.name}</strong> <span class="muted">${word('upload.kind', upload.kind)}</span></p>
		<${ProblemBox} problem=${problem ?? unread} />
		${jobs?.length === 0 && html`<${Notice} kind="info">${t('upload.assign.nojob')} <a href="#/new">${t('jobs.new')}</a><//>`}
		${jobs?.length > 0 && html`<${SelectField} label=${t('upload.assign.job')} name="job" value=${job} onValue=${setJob} data-autofocus
			options=${[['', t('upload.assign.choose')], ...jobs.map((j) => [String(j.id), [j.domains[0], j.ticket, j.title].filter(Boolean).join(' · ')])]} />`}
		${mailboxes && html`<${SelectField} label=${t('upload.assign.mailbox')} name="mailbox" value=${chosen} onValue=${setChosen}
			options=${[['', t('upload.assign.choose')], [NEW, t('upload.assign.new')], ...mailboxes.map((m) => [String(m.id), nameOf(m)])]} />`}
		${chosen === NEW && html`<div class="columns"><${TextField} label=${t('upload.assign.user')} name="dest_user" value=${user} onValue=${setUser} autocapitalize="none" spellcheck=${false} autocomplete="off" />
			<${TextField} label=${t('upload.assign.password')} name="dest_password" type="password" value=${secret} onValue=${setSecret} autocomplete="new-password" optional /></div>`}
		${mailbox && html`<${Notice} kind=${mailbox.source.upload_id || mailbox.state?.last_pass ? 'warn' : 'info'}>${before(mailbox)}<//>`}
		${others.length > 0 && html`<${Notice} kind="warn"><p class="notice-head">${t('upload.wrongperson', { name: upload.name, other: others.slice(0, 3).join(', ') })}</p><p>${t('upload.wrongperson.more', { mailbox: target })}</p><//>`}
		<div class="form-foot"><button class="button primary" type="submit" disabled=${busy || !job || !(mailbox || (chosen === NEW && user.trim()))}>${t('upload.assign.go')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div>
	</form><//>`;
}

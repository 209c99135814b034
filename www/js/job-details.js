// What a job is made of, open to correction; closing it when it is over.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { instant, person } from './format.js';
import { del, patch, request } from './api.js';
import { SelectField, TextField } from './field.js';
import { ServerFields, errorsUnder, serverBody } from './server-fields.js';
import { may } from './session.js';
import { rebase } from './rebase.js';
import { Notice, ProblemBox, toast } from './notice.js';

const formOf = (job) => ({ ticket: job.ticket ?? '', title: job.title ?? '', domains: job.domains.join(' '), engine: job.engine,
	source: { host: job.source?.host ?? '', port: String(job.source?.port ?? 993), tls: job.source?.tls ?? 'tls' },
	destination: { host: job.destination?.host ?? '', port: String(job.destination?.port ?? 993), tls: job.destination?.tls ?? 'tls' } });

export function JobDetails({ job, reload }) {
	const [form, setForm] = useState(() => formOf(job));
	const shown = useRef(form);
	const [etag, setEtag] = useState(null);
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const path = '/jobs/' + job.id;
	// The ETag of what this form shows, not of what a later poll has brought.
	const read = async () => {
		const answer = await request('GET', path), was = shown.current;
		shown.current = formOf(answer.body);
		setForm((typed) => rebase(was, typed, shown.current));
		setEtag(answer.etag);
	};
	useEffect(() => {
		read().catch(setProblem);
	}, [job.id]);
	const set = (name) => (v) => setForm((f) => ({ ...f, [name]: v }));
	const act = async (fn, done) => {
		setBusy(true);
		setProblem(null);
		try {
			await fn();
			toast(done);
			await read();
			reload();
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
	};
	const submit = (e) => {
		e.preventDefault();
		const body = { ticket: form.ticket.trim(), title: form.title.trim(), engine: form.engine,
			domains: form.domains.split(/[\s,;]+/).filter(Boolean) };
		if (form.source.host) body.source = { kind: job.source?.kind ?? 'imap', ...serverBody(form.source) };
		if (form.destination.host) body.destination = serverBody(form.destination);
		act(() => patch(path, body, etag), t('saved'));
	};
	const closed = job.status === 'closed';
	return html`<form class="stack form" onSubmit=${submit} novalidate>
		<${ProblemBox} problem=${problem} />
		${problem?.status === 412 && html`<button type="button" class="button" onClick=${() => {
			setProblem(null);
			read();
		}}>${t('reload')}</button>`}
		${closed && html`<${Notice}>${t('job.isclosed', { when: instant(job.closed_at) })}<//>`}
		<fieldset class="card" disabled=${closed}><legend>${t('new.what')}</legend>
			<${TextField} label=${t('new.domains')} value=${form.domains} onValue=${set('domains')} name="domains" error=${Object.values(errorsUnder(problem, '/domains'))[0]} />
			<div class="columns"><${TextField} label=${t('new.ticket')} value=${form.ticket} onValue=${set('ticket')} name="ticket" optional error=${errorsUnder(problem, '/ticket')['']} />
				<${TextField} label=${t('new.name')} value=${form.title} onValue=${set('title')} name="title" optional error=${errorsUnder(problem, '/title')['']} /></div>
			<${SelectField} label=${t('new.engine')} value=${form.engine} onValue=${set('engine')} options=${['native', 'reference'].map((v) => [v, t('engine.' + v)])} />
		</fieldset>
		<fieldset class="card" disabled=${closed}><legend>${t('new.source')}</legend>
			<${ServerFields} name="source" value=${form.source} onValue=${set('source')} hint=${t('details.server.hint')} errors=${errorsUnder(problem, '/source')} /></fieldset>
		<fieldset class="card" disabled=${closed}><legend>${t('new.destination')}</legend>
			<${ServerFields} name="destination" value=${form.destination} onValue=${set('destination')} errors=${errorsUnder(problem, '/destination')} /></fieldset>
		<p class="muted small">${t('job.created', { who: person(job.created_by), when: instant(job.created_at) })}${may('audit.read') && html` · <a href=${'#/audit?job=' + job.id}>${t('audit.ofjob')}</a>`}</p>
		<div class="form-foot">${!closed && html`<button class="button primary" type="submit" disabled=${busy || !etag}>${t('save')}</button>
			<button class="button danger" type="button" disabled=${busy} onClick=${() => confirm(t('job.close.confirm')) && act(() => del(path), t('job.close.done'))}>${t('job.close')}</button>`}
			${closed && html`<button class="button" type="button" disabled=${busy || !etag} onClick=${() => act(() => patch(path, { status: 'open' }, etag), t('job.reopen.done'))}>${t('job.reopen')}</button>`}</div>
	</form>`;
}

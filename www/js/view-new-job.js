// New migration: the domain and its ticket, where the mail is, where it goes. Mailboxes come next. Whoever lets the
// server be looked for has the migration saved before: then the rest of the form changes it.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { get, newKey, patch, post, request } from './api.js';
import { go, guardLeaving } from './router.js';
import { TextField } from './field.js';
import { ServerFields, errorsUnder, serverBody } from './server-fields.js';
import { FindServer } from './find-server.js';
import { Notice, ProblemBox, toast } from './notice.js';

// What each kind of provider wants; a host that depends on the customer stays empty with a hint.
export const providers = {
	microsoft: { host: 'outlook.office365.com', port: 993, tls: 'tls' },
	google: { host: 'imap.gmail.com', port: 993, tls: 'tls' },
	zimbra: { host: '', port: 993, tls: 'tls' },
	dovecot: { host: '', port: 993, tls: 'tls' },
	other: { host: '', port: 993, tls: 'tls' },
	file: { host: '', port: 993, tls: 'tls' },
};

const domainsOf = (s) => s.split(/[\s,;]+/).map((d) => d.trim().replace(/^.*@/, '')).filter(Boolean);

async function defaultDestination() {
	try {
		const values = Object.fromEntries((await get('/settings')).items.map((s) => [s.name, s.value]));
		const tls = { true: 'tls', false: 'none' }[values.MIGRATION_DEST_IMAP_SSL] ?? values.MIGRATION_DEST_IMAP_SSL ?? 'tls';
		return { host: values.MIGRATION_DEST_IMAP_HOST ?? '', port: String(values.MIGRATION_DEST_IMAP_PORT ?? 993), tls };
	} catch {
		return null;
	}
}

export function NewJobView() {
	const [form, setForm] = useState({ domains: '', ticket: '', title: '', provider: 'other', engine: 'native',
		source: { host: '', port: '993', tls: 'tls' }, destination: { host: '', port: '993', tls: 'tls' } });
	const [problem, setProblem] = useState(null);
	const [missing, setMissing] = useState({});
	const [busy, setBusy] = useState(false);
	const [saved, setSaved] = useState(null);
	const touched = useRef(false), key = useRef(newKey()), job = useRef(null);
	const set = (name) => (v) => {
		touched.current = true;
		key.current = newKey();
		setForm((f) => ({ ...f, [name]: v }));
	};
	useEffect(() => {
		document.title = t('new.title') + ' · ' + t('app.name');
		defaultDestination().then((d) => d && setForm((f) => (f.destination.host ? f : { ...f, destination: d })));
		const ask = () => !touched.current || confirm(t('leave.confirm'));
		ask.unload = () => touched.current;
		return guardLeaving(ask);
	}, []);
	const choose = (provider) => {
		const p = providers[provider];
		touched.current = true;
		key.current = newKey();
		setForm((f) => ({ ...f, provider, source: { host: p.host, port: String(p.port), tls: p.tls } }));
	};
	const what = () => {
		const body = { domains: domainsOf(form.domains), engine: form.engine };
		if (form.ticket.trim()) body.ticket = form.ticket.trim();
		if (form.title.trim()) body.title = form.title.trim();
		return body;
	};
	const invalid = (wrong) => {
		setMissing(wrong);
		if (!Object.keys(wrong).length) return false;
		setTimeout(() => document.querySelector('main [aria-invalid=true]')?.focus());
		return true;
	};
	// The job as it stands in the service: made by the first call, changed by a later one.
	const save = async (body) => {
		if (!job.current) job.current = await post('/jobs', body, { key: key.current });
		else {
			const { etag } = await request('GET', '/jobs/' + job.current.id);
			job.current = await patch('/jobs/' + job.current.id, body, etag);
		}
		setSaved(job.current.id);
		return job.current;
	};
	const saveForSearch = async () => {
		setProblem(null);
		if (invalid(domainsOf(form.domains).length ? {} : { domains: t('new.domain.missing') })) return null;
		return save(what());
	};
	const submit = async (e) => {
		e.preventDefault();
		const source = serverBody(form.source), destination = serverBody(form.destination), file = form.provider === 'file';
		const wrong = {};
		if (!domainsOf(form.domains).length) wrong.domains = t('new.domain.missing');
		if (!file && !source.host) wrong.source = { host: t('new.host.missing') };
		else if (!file && !source.port) wrong.source = { port: t('server.port.wrong') };
		if (destination.host && !destination.port) wrong.destination = { port: t('server.port.wrong') };
		if (invalid(wrong)) return;
		setBusy(true);
		setProblem(null);
		const body = what();
		if (!file) body.source = { kind: 'imap', ...source };
		if (destination.host) body.destination = destination;
		try {
			const { id } = await save(body);
			touched.current = false;
			if (file) toast(t('new.file.next'));
			go(file ? '/uploads?job=' + id : '/jobs/' + id + '/add', { replace: true });
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	const fieldError = (name) => missing[name] ?? errorsUnder(problem, '/' + name)[''] ?? Object.values(errorsUnder(problem, '/' + name))[0];
	return html`
		<div class="page-head"><div><p class="crumbs"><a href="#/">${t('nav.jobs')}</a></p><h1>${t('new.title')}</h1>
			<p class="lead">${t('new.lead')}</p></div></div>
		<form class="stack form" onSubmit=${submit} novalidate>
			<${ProblemBox} problem=${problem} />
			${saved && html`<${Notice} kind="info">${t('new.saved')} <a href=${'#/jobs/' + saved}>${domainsOf(form.domains)[0]}</a><//>`}
			<fieldset class="card"><legend>${t('new.what')}</legend>
				<${TextField} label=${t('new.domains')} hint=${t('new.domains.hint')} value=${form.domains} onValue=${set('domains')} name="domains"
					error=${typeof fieldError('domains') === 'string' ? fieldError('domains') : undefined} autocapitalize="none" spellcheck=${false} inputmode="url" autofocus />
				<div class="columns">
					<${TextField} label=${t('new.ticket')} hint=${t('new.ticket.hint')} value=${form.ticket} onValue=${set('ticket')} name="ticket" optional
						error=${fieldError('ticket')} />
					<${TextField} label=${t('new.name')} value=${form.title} onValue=${set('title')} name="title" optional error=${fieldError('title')} />
				</div>
			</fieldset>
			<fieldset class="card"><legend>${t('new.source')}</legend>
				<div class="choices" role="radiogroup" aria-label=${t('new.provider')}>${Object.keys(providers).map((p) => html`
					<label class="choice"><input type="radio" name="provider" value=${p} checked=${form.provider === p} onChange=${() => choose(p)} />
						<span>${t('provider.' + p)}</span></label>`)}</div>
				${form.provider === 'file' ? html`<p>${t('provider.file.hint')}</p>` : html`<${ServerFields} name="source" value=${form.source} onValue=${set('source')} hint=${t('provider.' + form.provider + '.hint')}
					errors=${{ ...errorsUnder(problem, '/source'), ...missing.source }} />
				<${FindServer} domain=${domainsOf(form.domains)[0]} saved=${saveForSearch} onChoose=${(g) => {
					choose(g.provider);
					setForm((f) => ({ ...f, source: { host: g.host, port: String(g.port), tls: g.tls } }));
				}} />`}
			</fieldset>
			<fieldset class="card"><legend>${t('new.destination')}</legend>
				<${ServerFields} name="destination" value=${form.destination} onValue=${set('destination')} hint=${t('new.destination.hint')}
					errors=${{ ...errorsUnder(problem, '/destination'), ...missing.destination }} />
			</fieldset>
			<details class="card more-options"><summary>${t('new.more')}</summary>
				<div class="choices" role="radiogroup" aria-label=${t('new.engine')}>${['native', 'reference'].map((v) => html`
					<label class="choice tall"><input type="radio" name="engine" value=${v} checked=${form.engine === v} onChange=${() => set('engine')(v)} />
						<span><strong>${t('engine.' + v)}</strong><br /><span class="muted">${t('engine.' + v + '.hint')}</span></span></label>`)}</div>
			</details>
			<div class="form-foot"><button class="button primary" type="submit" disabled=${busy}>${t(busy ? 'saving' : 'new.go')}</button>
				<a class="button quiet" href=${saved ? '#/jobs/' + saved : '#/'}>${t(saved ? 'new.later' : 'cancel')}</a></div>
		</form>`;
}

// Looks for the server that holds a domain's mail. The API has no network: a worker asks the name servers, so there
// must be a migration first, which `saved` makes.
import { html, useEffect, useRef, useState } from './html.js';
import { t, word } from './i18n.js';
import { get, newKey, post } from './api.js';
import { guessServers } from './server-guess.js';
import { failure } from './failure.js';
import { ProblemBox } from './notice.js';
import { Icon } from './icon.js';

const active = ['queued', 'running', 'paused', 'waiting'];
const pause = () => new Promise((done) => setTimeout(done, 1000));

async function readNames(job, alive, onState) {
	const { id } = await post('/jobs/' + job.id + '/dns/read', { autodiscover: true }, { key: newKey() });
	for (;;) {
		const run = await get('/runs/' + id);
		onState(run.status);
		if (!alive()) return null;
		if (!active.includes(run.status)) {
			if (run.status !== 'succeeded' && run.status !== 'partial') throw { code: run.code, title: failure(run.code)?.title, detail: run.message, remedy: failure(run.code)?.remedy };
			return (await get('/jobs/' + job.id + '/dns')).domains[0]?.last?.seen ?? null;
		}
		await pause();
	}
}

// saved: async, gives the job. onChoose({provider, host, port, tls}).
export function FindServer({ domain, saved, onChoose }) {
	const [state, setState] = useState(null);
	const [found, setFound] = useState(null);
	const [problem, setProblem] = useState(null);
	const mounted = useRef(true);
	useEffect(() => () => (mounted.current = false), []);
	const look = async () => {
		setState('queued');
		setFound(null);
		setProblem(null);
		try {
			const job = await saved();
			const seen = job && (await readNames(job, () => mounted.current, setState));
			if (job) setFound(guessServers(job.domains[0], seen));
		} catch (p) {
			setProblem(p);
		}
		setState(null);
	};
	return html`<div class="stack find-server"><div class="form-foot"><button type="button" class="button" disabled=${!domain || state !== null} onClick=${look}><${Icon} name="search" />${t('find.go')}</button>
			<span class="muted small" role="status">${state !== null ? t(state === 'queued' ? 'find.queued' : 'find.busy') : t('find.hint')}</span></div>
		<${ProblemBox} problem=${problem} />
		${found?.length === 0 && html`<p class="warn-text" role="status">${t('find.none')}</p>`}
		${found?.length > 0 && html`<div role="group" aria-label=${t('find.found')}><p>${t('find.found')}</p><ul class="guesses">${found.map((g) => html`<li>
			<button type="button" class="button small" onClick=${() => onChoose(g)}>${g.host}${g.port !== 993 && ':' + g.port}</button>
			<span class="muted small break">${word('provider', g.provider)} · ${t('find.by.' + g.how, { name: g.because })}</span></li>`)}</ul></div>`}</div>`;
}

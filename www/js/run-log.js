// A run's log: its end first, followed while the run goes on, filtered as one types.
import { html, useEffect, useMemo, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { get, request } from './api.js';
import { Dialog } from './dialog.js';
import { ProblemBox } from './notice.js';
import { runName } from './mailbox-state.js';

const chunk = 256 * 1024;
const wrong = /\b(err(or)?|fail(ed|ure)?|refused|denied|NO|BAD|warn(ing)?|quarantine)\b/i;

// The last `chunk` bytes at first, then what was added. {text, end, whole}
async function readFrom(id, offset) {
	const range = offset === null ? 'bytes=-' + chunk : 'bytes=' + offset + '-';
	const response = await request('GET', '/runs/' + id + '/log', { raw: true, range });
	const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '');
	const text = await response.text();
	return { text, end: total ? Number(total[1]) : new TextEncoder().encode(text).length, whole: response.status === 200 };
}

export function LogDialog({ run, onClose }) {
	const [text, setText] = useState(null);
	const [problem, setProblem] = useState(null);
	const [q, setQ] = useState('');
	const [only, setOnly] = useState(false);
	const box = useRef(null);
	useEffect(() => {
		let stopped = false, timer = 0, end = null;
		const turn = async () => {
			let going = true;
			try {
				const part = await readFrom(run.id, end);
				if (stopped) return;
				setProblem(null);
				setText((before) => (end === null || part.whole ? part.text : before + part.text));
				end = part.end;
				going = ['queued', 'running', 'paused', 'waiting'].includes((await get('/runs/' + run.id)).status);
			} catch (p) {
				// 416: nothing new. 404: no log yet.
				if (p.status === 416 || (p.status === 404 && run.status === 'queued')) setText((before) => before ?? '');
				else if (p.status === 404) {
					setText((before) => before ?? '');
					going = false;
				} else setProblem(p);
			}
			if (!stopped && going) timer = setTimeout(turn, 2000);
		};
		turn();
		return () => {
			stopped = true;
			clearTimeout(timer);
		};
	}, [run.id]);
	const wanted = q.trim().toLowerCase();
	const lines = useMemo(() => (text ?? '').split('\n').filter((l) => l && (!only || wrong.test(l)) && (!wanted || l.toLowerCase().includes(wanted))), [text, only, wanted]);
	useEffect(() => {
		const b = box.current;
		if (b && !b.dataset.held) b.scrollTop = b.scrollHeight;
	}, [lines]);
	return html`<${Dialog} wide title=${t('log.title', { what: runName(run), n: run.id })} onClose=${onClose}>
		<div class="toolbar"><label class="search"><span class="visually-hidden">${t('log.search')}</span>
			<input type="search" value=${q} placeholder=${t('log.search')} onInput=${(e) => setQ(e.currentTarget.value)} /></label>
			<label class="check"><input type="checkbox" checked=${only} onChange=${(e) => setOnly(e.currentTarget.checked)} /><span>${t('log.errors')}</span></label></div>
		<${ProblemBox} problem=${problem} />
		${text === null && !problem ? html`<p class="muted">${t('loading')}</p>` : lines.length === 0 ? html`<p class="muted">${t(text ? 'log.nothing' : 'log.empty')}</p>` : html`
		<pre class="log" ref=${box} tabindex="0" aria-label=${t('log')} onScroll=${(e) => {
			const b = e.currentTarget;
			if (b.scrollTop + b.clientHeight < b.scrollHeight - 20) b.dataset.held = '1';
			else delete b.dataset.held;
		}}>${lines.slice(-2000).map((l) => html`<span class=${wrong.test(l) ? 'log-bad' : ''}>${l + '\n'}</span>`)}</pre>`}
	<//>`;
}

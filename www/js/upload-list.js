// Files on their way and here, a row each: how far, how fast, what they are, and what can be done with them.
import { html, useRef, useState } from './html.js';
import { has, t, word } from './i18n.js';
import { ago, bytes, duration, instant, percentText, person } from './format.js';
import { del } from './api.js';
import { useAct } from './use-act.js';
import { failure } from './failure.js';
import { drop, goOn, goOnWith, pause } from './upload-queue.js';
import { sourceKind } from './upload-kind.js';
import { AssignDialog } from './upload-assign.js';
import { Bar, barPercent } from './progress.js';
import { ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

const looks = { queued: ['', 'clock'], starting: ['live', 'arrow'], sending: ['live', 'arrow'], waiting: ['warn', 'clock'], paused: ['warn', 'clock'],
	doubt: ['warn', 'alert'], failed: ['bad', 'cross'], done: ['good', 'check'], part: ['warn', 'clock'], complete: ['good', 'check'], useless: ['bad', 'alert'] };

function Pill({ state }) {
	const [tone, icon] = looks[state];
	return html`<span class=${'pill ' + tone} data-state=${state}><${Icon} name=${icon} />${t('upload.' + state)}</span>`;
}

// What stands in the way and what to do about it; the service's own words one click away.
function Trouble({ problem, waiting }) {
	if (!problem) return null;
	const own = has('problem.' + problem.code), known = failure(problem.code);
	const values = problem.limit ? { limit: bytes(problem.limit) } : {};
	const words = own ? t('problem.' + problem.code, values) : known?.title ?? problem.title ?? t('problem.unknown');
	const remedy = own ? t('remedy.' + problem.code, values) : known?.remedy ?? problem.remedy ?? '';
	return html`<div class=${'run-failure ' + (waiting ? 'warn-text' : 'bad-text')}><p><strong>${words}</strong>${remedy && html`${' '}<span class="remedy">${remedy}</span>`}</p>
		${problem.detail && problem.detail !== words && html`<details><summary>${t('upload.words')}</summary><p class="raw">${problem.detail}</p><p class="code">${problem.code}</p></details>`}</div>`;
}

function Progress({ name, sent, size, item }) {
	return html`<div class="run-progress"><${Bar} done=${sent} total=${size} label=${t('upload.progress', { name })} tone=${item?.state === 'sending' ? 'live' : ''} />
		<p class="muted small progress-line"><span class="strong">${percentText(barPercent(sent, size, false))}</span>
			<span>${t('progress.bytes', { done: bytes(sent), total: bytes(size) })}</span>
			${item?.rate > 0 && html`<span>${t('rate.bytes', { size: bytes(item.rate) })}</span>`}
			${item?.eta > 0 && html`<span>${t('eta', { time: duration(item.eta) })}</span>`}</p></div>`;
}

const can = {
	pause: ['queued', 'starting', 'sending', 'waiting'],
	resume: ['paused'],
	retry: ['failed'],
	anyway: ['doubt'],
};

// On its way from this browser.
function LocalRow({ item, onRemove }) {
	const { state } = item;
	const moving = item.sent > 0 && ['starting', 'sending', 'waiting', 'paused', 'failed'].includes(state);
	return html`<tr data-upload=${item.name}>
		<td class="cell-main"><strong class="break">${item.name}</strong><div class="muted small">${bytes(item.size)}</div></td>
		<td class="cell-state"><${Pill} state=${state} />${moving && html`<${Progress} name=${item.name} sent=${item.sent} size=${item.size} item=${item} />`}
			${state === 'doubt' && html`<div class="run-failure warn-text"><p><strong>${t('upload.about.' + item.about)}</strong> <span class="remedy">${t('upload.about.' + item.about + '.more')}</span></p></div>`}
			<${Trouble} problem=${item.problem} waiting=${state === 'waiting'} /></td>
		<td class="nothing"></td>
		<td class="cell-act">
			${can.pause.includes(state) && html`<button type="button" class="button small" onClick=${() => pause(item.key)}>${t('pause.upload')}</button>`}
			${can.resume.includes(state) && html`<button type="button" class="button small" onClick=${() => goOn(item.key)}>${t('continue')}</button>`}
			${can.retry.includes(state) && item.problem?.code !== 'page.toolarge' && html`<button type="button" class="button small" onClick=${() => goOn(item.key)}>${t('upload.again')}</button>`}
			${can.anyway.includes(state) && html`<button type="button" class="button small" onClick=${() => goOn(item.key)}>${t('upload.anyway')}</button>`}
			${state !== 'done' && html`<button type="button" class="button small quiet" aria-label=${t('upload.remove', { name: item.name })} onClick=${() => onRemove(item)}>${t('remove')}</button>`}
		</td></tr>`;
}

// Begun once, and nobody sends it now: its file must be chosen again.
function PartRow({ upload: u, onChoose, onRemove }) {
	const input = useRef(null);
	return html`<tr data-upload=${u.name}>
		<td class="cell-main"><strong class="break">${u.name}</strong><div class="muted small">${bytes(u.size)} · ${person(u.created_by)} · ${ago(u.created_at)}</div></td>
		<td class="cell-state"><${Pill} state="part" /><${Progress} name=${u.name} sent=${u.received} size=${u.size} />
			<p class="small">${t('upload.part.more')}${u.expires_at && html` <span class="muted">${t('upload.expires', { when: instant(u.expires_at) })}</span>`}</p></td>
		<td class="nothing"></td>
		<td class="cell-act"><button type="button" class="button small" onClick=${() => input.current.click()}>${t('upload.rechoose')}</button>
			<input ref=${input} type="file" class="visually-hidden" tabindex="-1" aria-label=${t('upload.rechoose.of', { name: u.name })} onChange=${(e) => {
				const [file] = e.currentTarget.files;
				e.currentTarget.value = '';
				if (file) onChoose(u, file);
			}} />
			<button type="button" class="button small quiet" aria-label=${t('upload.remove', { name: u.name })} onClick=${() => onRemove(u)}>${t('remove')}</button></td></tr>`;
}

function HereRow({ upload: u, onAssign, onRemove }) {
	const good = sourceKind(u.kind) !== null;
	return html`<tr data-upload=${u.name}>
		<td class="cell-main"><strong class="break">${u.name}</strong><div class="muted small">${bytes(u.size)} · ${person(u.created_by)} · ${ago(u.updated_at)}</div></td>
		<td class="cell-state"><${Pill} state=${good ? 'complete' : 'useless'} />
			${!good && html`<div class="run-failure bad-text"><p><strong>${t('upload.about.unknown')}</strong> <span class="remedy">${t('upload.about.unknown.more')}</span></p></div>`}</td>
		<td data-label=${t('upload.contents')}><span class="strong" data-kind=${u.kind}>${word('upload.kind', u.kind)}</span>
			<div class="small"><span class="muted">SHA-256</span> ${u.sha256 ? html`<code class="break sha256">${u.sha256}</code>` : t('upload.hashing')}</div></td>
		<td class="cell-act">${good && html`<button type="button" class="button small" onClick=${() => onAssign(u)}>${t('upload.assign')}</button>`}
			<button type="button" class="button small quiet" aria-label=${t('upload.remove', { name: u.name })} onClick=${() => onRemove(u)}>${t('remove')}</button></td></tr>`;
}

export function UploadList({ uploads, local, job, reload }) {
	const [problem, setProblem] = useState(null);
	const [assign, setAssign] = useState(null);
	const owned = new Set(local.map((i) => i.token).filter(Boolean));
	const others = uploads.filter((u) => !owned.has(u.token)).reverse();
	const [, act] = useAct(setProblem, reload);
	const remove = (one) => {
		if (one.token && !confirm(t('upload.remove.confirm', { name: one.name }))) return;
		if (one.key) drop(one.key);
		if (one.token) act(async () => {
			await del('/uploads/' + one.token, undefined, { headers: { 'Tus-Resumable': '1.0.0' } });
			toast(t('upload.removed', { name: one.name }));
		});
	};
	const choose = (u, file) => act(async () => {
		if (!(await goOnWith(u, file))) throw { code: 'page.otherfile', detail: t('upload.other', { name: file.name, size: bytes(file.size), wanted: u.name, wantedsize: bytes(u.size) }) };
	});
	return html`<${ProblemBox} problem=${problem} />
		<div class="card table-card"><table class="table stackable uploads"><caption class="visually-hidden">${t('nav.uploads')}</caption>
			<thead><tr><th scope="col">${t('upload.file')}</th><th scope="col">${t('upload.state')}</th><th scope="col">${t('upload.contents')}</th>
				<th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
			<tbody>${local.map((item) => html`<${LocalRow} key=${item.key} item=${item} onRemove=${remove} />`)}
				${others.map((u) => (u.status === 'complete' ? html`<${HereRow} key=${u.token} upload=${u} onAssign=${setAssign} onRemove=${remove} />`
				: html`<${PartRow} key=${u.token} upload=${u} onChoose=${choose} onRemove=${remove} />`))}</tbody></table></div>
		${assign && html`<${AssignDialog} upload=${assign} wanted=${job} onClose=${() => setAssign(null)} />`}`;
}

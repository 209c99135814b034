// The folders of a mailbox: where each will go, before anything is copied; changed for this mailbox or for all.
import { html, useEffect, useMemo, useState } from './html.js';
import { t } from './i18n.js';
import { bytes, instant, number } from './format.js';
import { get, newKey, patch, post, request } from './api.js';
import { usePoll } from './poll.js';
import { guardLeaving } from './router.js';
import { changed, collisions, mistake, rowsOf, rulesOf } from './folder-rules.js';
import { RunFailure, RunPill, missingSecret } from './mailbox-state.js';
import { SelectField } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

const active = (run) => ['queued', 'running', 'paused', 'waiting'].includes(run?.status);

function Row({ row, others, disabled, onRow }) {
	const wrong = mistake(row), id = 'f-' + row.name;
	return html`<tr class=${row.excluded ? 'removed' : ''} data-folder=${row.name}>
		<td class="cell-main break">${row.name}${row.messages !== null && html`<div class="muted small">${t('folders.messages', { n: row.messages })} · ${bytes(row.bytes)}</div>`}</td>
		<td data-label=${t('folders.to')}>${row.excluded ? html`<span class="muted">${t('folders.leftout')}</span>` : row.fixed ? html`<span class="break">${row.dest}</span>` : html`
			<input type="text" value=${row.wanted} disabled=${disabled} aria-label=${t('folders.to.of', { name: row.name })} aria-invalid=${wrong ? 'true' : undefined} aria-describedby=${wrong || others ? id : undefined}
				spellcheck=${false} onInput=${(e) => onRow({ ...row, wanted: e.currentTarget.value })} />`}
			${wrong ? html`<p class="field-error" id=${id}>${t('folders.wrong.' + wrong)}</p>`
			: others ? html`<p class="warn-text small" id=${id}><${Icon} name="alert" /> ${t('folders.meet', { names: others.join(', ') })}</p>`
			: !row.excluded && row.create && row.wanted === row.dest && html`<p class="muted small">${t('folders.create')}</p>`}
			${!row.excluded && row.compare && html`<p class="muted small">${t('folders.compare')}</p>`}</td>
		<td data-label=${t('folders.copy')}><label class="check"><input type="checkbox" checked=${!row.excluded} disabled=${disabled || (row.fixed && !row.pattern && !row.excluded)}
			aria-label=${t('folders.copy.of', { name: row.name })} onChange=${(e) => onRow({ ...row, excluded: !e.currentTarget.checked })} /></label></td></tr>`;
}

// The newest preview of the mailbox; kept fresh while one is being made.
function usePreview(mailbox) {
	return usePoll(async (before) => {
		if (!mailbox) return null;
		const { items } = await get('/jobs/' + mailbox.job_id + '/runs?mailbox_id=' + mailbox.id + '&kind=discover&limit=10');
		const done = items.find((r) => r.status === 'succeeded' || r.status === 'partial'), next = { newest: items[0] ?? null, done: done ?? null };
		return before && JSON.stringify(before) === JSON.stringify(next) ? before : next;
	}, 'folders' + (mailbox?.id ?? 0), (d) => (active(d?.newest) ? 1000 : 15000));
}

export function JobFolders({ job, mailboxes, reload }) {
	const [chosen, setChosen] = useState(() => String((mailboxes.find((m) => !missingSecret(m).length) ?? mailboxes[0])?.id ?? ''));
	const mailbox = mailboxes.find((m) => String(m.id) === chosen);
	const preview = usePreview(mailbox);
	const [rows, setRows] = useState(null);
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const done = preview.data?.done, running = active(preview.data?.newest);
	useEffect(() => setRows(done && mailbox ? rowsOf(done.result?.folders, mailbox.folders) : null), [done?.id, chosen]);
	const dirty = rows !== null && changed(rows);
	useEffect(() => {
		const ask = () => !dirty || confirm(t('leave.confirm'));
		ask.unload = () => dirty;
		return guardLeaving(ask);
	}, [dirty]);
	const meeting = useMemo(() => (rows ? collisions(rows) : {}), [rows]);
	const wrong = rows?.some(mistake);
	const act = (fn) => async () => {
		setBusy(true);
		setProblem(null);
		try {
			await fn();
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
	};
	const look = act(async () => {
		await post('/jobs/' + job.id + '/discover', { mailbox_ids: [mailbox.id] }, { key: newKey() });
		await preview.reload();
	});
	const saveOne = act(async () => {
		const { etag, body } = await request('GET', '/mailboxes/' + mailbox.id);
		await patch('/mailboxes/' + mailbox.id, { folders: rulesOf(rows, body.folders) }, etag);
		toast(t('folders.saved', { name: mailbox.source.user }));
		await reload();
		await look();
	});
	// The rules of the migration hold for every mailbox; a mailbox's own come on top.
	const saveAll = act(async () => {
		const { etag, body } = await request('GET', '/jobs/' + job.id);
		await patch('/jobs/' + job.id, { options: { ...body.options, folders: rulesOf(rows, body.options?.folders) } }, etag);
		toast(t('folders.saved.all'));
		await reload();
		await look();
	});
	if (!mailbox) return html`<p class="empty card">${t('mailboxes.empty')}</p>`;
	const off = busy || running || job.status === 'closed';
	const bare = missingSecret(mailbox).length > 0, at = Boolean(mailbox.state?.active_run);
	return html`<section class="card folder-map" aria-labelledby="folders-head">
		<h2 id="folders-head">${t('folders.title')}</h2><p class="muted">${t('folders.lead')}</p>
		<div class="toolbar"><${SelectField} label=${t('mailbox')} name="folder-mailbox" value=${chosen} class="narrow" onValue=${(v) => (!dirty || confirm(t('leave.confirm'))) && setChosen(v)}
				options=${mailboxes.map((m) => [String(m.id), m.source.user || t('mailbox.file')])} />
			<button type="button" class="button" data-do="discover" disabled=${off || bare || at} onClick=${look}><${Icon} name="search" />${t(done ? 'folders.again' : 'folders.look')}</button>
			${done && html`<span class="muted small">${t('folders.asof', { when: instant(done.finished_at) })}</span>`}</div>
		${bare && html`<${Notice} kind="warn">${t('folders.bare')}<//>`}
		${preview.data?.newest && (running || preview.data.newest !== done) && html`<div role="status"><${RunPill} run=${preview.data.newest} /><${RunFailure} run=${preview.data.newest} /></div>`}
		<${ProblemBox} problem=${problem ?? (preview.problem?.status ? preview.problem : null)} />
		${Object.keys(meeting).length > 0 && html`<${Notice} kind="warn">${t('folders.collisions', { n: Object.keys(meeting).length })}<//>`}
		${rows?.length > 0 && html`<div class="table-card"><table class="table stackable"><caption class="visually-hidden">${t('folders.title')}</caption>
			<thead><tr><th scope="col">${t('folders.from')}</th><th scope="col">${t('folders.to')}</th><th scope="col">${t('folders.copy')}</th></tr></thead>
			<tbody>${rows.map((r, i) => html`<${Row} key=${r.name} row=${r} others=${meeting[r.name]} disabled=${off} onRow=${(next) => setRows(rows.map((x, k) => (k === i ? next : x)))} />`)}</tbody></table></div>
		<p class="muted small">${t('folders.sum', { n: rows.filter((r) => !r.excluded).length, messages: number(rows.reduce((s, r) => s + (r.excluded ? 0 : r.messages ?? 0), 0)) })}</p>
		<div class="form-foot"><button type="button" class="button primary" data-do="save-one" disabled=${off || !dirty || wrong} onClick=${saveOne}>${t('folders.save.one')}</button>
			<button type="button" class="button" data-do="save-all" disabled=${off || !dirty || wrong} onClick=${saveAll}>${t('folders.save.all')}</button>
			${dirty && html`<button type="button" class="button quiet" onClick=${() => setRows(rowsOf(done.result?.folders, mailbox.folders))}>${t('folders.undo')}</button>`}</div>`}
	</section>`;
}

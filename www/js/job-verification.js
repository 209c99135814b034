// What the verification found: per mailbox and folder, how many are expected, found, found weakly, missing.
import { html, useState } from './html.js';
import { t } from './i18n.js';
import { ago, number, ratio } from './format.js';
import { startRuns } from './job-actions.js';
import { Missing } from './job-missing.js';
import { Notice, ProblemBox } from './notice.js';
import { Icon } from './icon.js';
import { useWindow } from './view-jobs.js';

const counts = ['expected', 'found', 'found_weak', 'missing', 'quarantined', 'late', 'excluded', 'differing', 'extra'];
const alarming = { missing: 'bad-text', quarantined: 'bad-text', differing: 'warn-text', found_weak: 'warn-text', excluded: 'warn-text' };

// The verification with what the destination refused beside it, per folder and in all.
export function withQuarantine(row) {
	const v = row?.verification;
	if (!v) return v;
	const refused = new Map((row.quarantined ?? []).map((q) => [q.folder, q.count]));
	return { ...v, quarantined: [...refused.values()].reduce((a, b) => a + b, 0),
		folders: v.folders?.map((f) => ({ ...f, quarantined: refused.get(f.folder) ?? 0 })) };
}

const Count = ({ name, value }) => html`<td class="num" data-label=${t('count.' + name)}>${value > 0 && alarming[name]
	? html`<strong class=${alarming[name]}>${number(value)}</strong>` : html`<span class=${value ? '' : 'muted'}>${number(value ?? 0)}</span>`}</td>`;

export function FolderTable({ folders, caption }) {
	return html`<table class="table folders stackable"><caption class="visually-hidden">${caption}</caption>
		<thead><tr><th scope="col">${t('folder')}</th>${counts.map((c) => html`<th scope="col" class="num" title=${t('count.' + c + '.more')}>${t('count.' + c)}</th>`)}</tr></thead>
		<tbody>${folders.map((f) => html`<tr key=${f.folder}><td class="cell-main">${f.folder}
			${f.destination && f.destination !== f.folder && html`<div class="muted small to"><${Icon} name="arrow" />${f.destination}</div>`}
			${f.complete === false && html`<span class="pill warn">${t('verify.partial')}</span>`}</td>
			${counts.map((c) => html`<${Count} name=${c} value=${f[c]} />`)}</tr>`)}</tbody></table>`;
}

function VerificationRow({ row, jobId }) {
	const [open, setOpen] = useState(false);
	const v = withQuarantine(row);
	const tone = !v || v.ratio === null ? 'muted' : !v.complete || !v.current ? 'warn-text' : v.missing > 0 ? 'bad-text' : v.found_weak > 0 ? 'warn-text' : 'good-text';
	return html`<tr class=${row.removed ? 'removed' : ''}>
		<td class="cell-main"><div class="with-toggle">${v?.folders?.length > 0 && html`<button type="button" class="icon-button" aria-expanded=${open ? 'true' : 'false'}
				aria-label=${t('folders.show', { name: row.source_user })} onClick=${() => setOpen(!open)}><${Icon} name=${open ? 'down' : 'next'} /></button>`}
			<span class="inline-block"><a class="row-link" href=${'#/jobs/' + jobId + '/mailboxes/' + row.mailbox_id}>${row.source_user}</a>
			${row.removed && html` <span class="pill">${t('mailbox.isremoved')}</span>`}
			<span class="muted small block">${!v ? t('verify.none') : !v.complete ? t('verify.partial') : !v.current ? t('verify.stale')
				: (v.deep ? t('verify.deep') + ' · ' : '') + ago(v.at)}</span></span></div></td>
		<td class=${'num' + (v ? '' : ' nothing')} data-label=${t('ratio')}><strong class=${tone}>${ratio(v?.ratio)}</strong></td>
		${counts.map((c) => (v ? html`<${Count} name=${c} value=${v[c]} />` : html`<td class="num muted nothing" data-label=${t('count.' + c)}>–</td>`))}
		<td class="cell-act">${v && v.missing + v.found_weak + v.excluded + v.quarantined > 0 && html`<a class="button small" href=${'#/jobs/' + jobId + '/verification/' + row.mailbox_id}
			aria-label=${t('missing.title', { name: row.source_user })}>${t('missing.short')}</a>`}</td>
	</tr>
	${open && html`<tr class="folders-row"><td colspan=${counts.length + 3}><${FolderTable} folders=${v.folders} caption=${t('folders.of', { name: row.source_user })} /></td></tr>`}`;
}

export function Verification({ job, mailboxes, evidence, reload, at }) {
	const [problem, setProblem] = useState(null);
	const rows = evidence?.mailboxes ?? [];
	const list = useWindow(rows.length, job.id);
	if (!evidence) return html`<p class="muted" role="status">${t('loading')}</p>`;
	const verify = (what) => async () => {
		setProblem(null);
		try {
			await startRuns(job.id, what);
			reload();
		} catch (p) {
			setProblem(p);
		}
	};
	const one = at && rows.find((r) => String(r.mailbox_id) === at);
	if (one) return html`<${Missing} key=${at} job=${job} row=${one} gate=${evidence.gate} mailboxes=${mailboxes} reload=${reload} />`;
	const live = rows.filter((r) => !r.removed);
	const done = live.filter((r) => r.verification?.complete && r.verification.current);
	return html`
		<div class="toolbar"><p class="grow">${t('verify.summary', { done: done.length, n: live.length })}</p>
			<button type="button" class="button" disabled=${!live.length} onClick=${verify('verify')}>${t('do.verify')}</button>
			<button type="button" class="button" disabled=${!live.length} title=${t('verify.deep.more')} onClick=${verify('deep')}>${t('do.deep')}</button></div>
		<${ProblemBox} problem=${problem} />
		${rows.length === 0 ? html`<${Notice}>${t('verify.nothing')}<//>` : html`<div class="card table-card"><table class="table stackable verification">
			<caption class="visually-hidden">${t('tab.verification')}</caption>
			<thead><tr><th scope="col">${t('mailbox')}</th><th scope="col" class="num">${t('ratio')}</th>${counts.map((c) => html`<th scope="col" class="num" title=${t('count.' + c + '.more')}>${t('count.' + c)}</th>`)}
				<th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
			<tbody>${rows.slice(0, list.shown).map((r) => html`<${VerificationRow} key=${r.mailbox_id} row=${r} jobId=${job.id} />`)}</tbody>
		</table></div>${list.more}`}`;
}

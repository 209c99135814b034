// Adding mailboxes: one grid, filled by hand, by pasting from a spreadsheet, or from a CSV file. Errors stand
// at their cell before and after sending; nothing is saved until every row is accepted.
import { html, useEffect, useMemo, useRef, useState } from './html.js';
import { memo } from './memo.js';
import { t } from './i18n.js';
import { newKey, post } from './api.js';
import { go, guardLeaving } from './router.js';
import { check, columns, emptyRow, isEmpty, rowsOf } from './mailbox-paste.js';
import { CsvMapper } from './csv-mapper.js';
import { MasterFields, account, masterErrors, noMaster } from './add-master.js';
import { startRuns } from './job-actions.js';
import { Notice, ProblemBox, announce, toast } from './notice.js';
import { Icon } from './icon.js';

const blank = (n) => Array.from({ length: n }, emptyRow);

// One column of the grid against the path of its field in a problem's pointer ("/3/source/user").
const paths = { source_user: 'source/user', source_password: 'source/secret', dest_user: 'destination/user',
	dest_password: 'destination/secret' };

function body(row, masters) {
	const from = row.source_user.trim(), to = row.dest_user.trim() || from;
	return { source: account(from, row.source_password, masters.source), destination: account(to, row.dest_password, masters.destination) };
}

// The errors of the API's answer, laid on the rows that were sent: {key: {column: text}}.
function serverErrors(problem, sent) {
	const found = {};
	for (const e of problem?.errors ?? []) {
		const m = /^\/(\d+)\/?(.*)$/.exec(e.pointer ?? '');
		const row = m && sent[Number(m[1])];
		if (!row) continue;
		const column = columns.find((c) => m[2].startsWith(paths[c])) ?? 'source_user';
		(found[row.key] ??= {})[column] = e.detail ?? e.code;
	}
	return found;
}

const Row = memo(({ row, index, errors, shown, onCell, onPaste, onRemove }) => html`<tr class=${errors ? 'has-error' : ''}>
	<th scope="row" class="num muted">${index + 1}</th>
	${shown.map((c) => {
		const id = 'e' + row.key + c, secret = c.endsWith('_password');
		return html`<td data-label=${t('column.' + c)}><input type=${secret ? 'password' : 'text'} value=${row[c]} name=${c} aria-label=${t('column.of', { column: t('column.' + c), n: index + 1 })}
			autocomplete=${secret ? 'new-password' : 'off'} autocapitalize="none" spellcheck=${false}
			placeholder=${c === 'dest_user' ? row.source_user : ''} aria-invalid=${errors?.[c] ? 'true' : undefined}
			aria-describedby=${errors?.[c] ? id : undefined} onInput=${(e) => onCell(row.key, c, e.currentTarget.value)}
			onPaste=${(e) => onPaste(e, row.key, c)} />${errors?.[c] && html`<p class="field-error" id=${id}>${errors[c]}</p>`}</td>`;
	})}
	<td class="cell-act"><button type="button" class="icon-button" aria-label=${t('row.remove', { n: index + 1 })} onClick=${() => onRemove(row.key)}>
		<${Icon} name="cross" /></button></td>
</tr>`);

// What the grid says about itself, as {key: {column: text}}.
function localErrors(rows, taken) {
	const found = {};
	for (const e of check(rows, taken))
		(found[rows[e.row].key] ??= {})[e.column] = t('row.' + e.code, { n: e.other });
	return found;
}

function DropZone({ onText }) {
	const [over, setOver] = useState(false);
	const input = useRef(null);
	const read = async (file) => {
		if (!file) return;
		const data = await file.arrayBuffer();
		let text;
		try {
			text = new TextDecoder('utf-8', { fatal: true }).decode(data);
		} catch {
			// Spreadsheets of the region still save in the code page of the system.
			text = new TextDecoder('windows-1252').decode(data);
		}
		onText(text, file.name);
	};
	return html`<div class=${'drop' + (over ? ' over' : '')} onDragOver=${(e) => {
		e.preventDefault();
		setOver(true);
	}} onDragLeave=${() => setOver(false)} onDrop=${(e) => {
		e.preventDefault();
		setOver(false);
		if (e.dataTransfer.files[0]) read(e.dataTransfer.files[0]);
		else onText(e.dataTransfer.getData('text'), '');
	}}>
		<${Icon} name="file" /><span>${t('add.drop')}</span>
		<button type="button" class="button small" onClick=${() => input.current.click()}>${t('add.file')}</button>
		<input ref=${input} type="file" accept=".csv,.tsv,.txt,text/csv,text/plain" class="visually-hidden" tabindex="-1" aria-label=${t('add.file')}
			onChange=${(e) => {
				read(e.currentTarget.files[0]);
				e.currentTarget.value = '';
			}} />
	</div>`;
}

export function AddMailboxes({ job, mailboxes, reload }) {
	const [rows, setRows] = useState(() => blank(3));
	const [problem, setProblem] = useState(null);
	const [sent, setSent] = useState([]);
	const [tried, setTried] = useState(false);
	const [busy, setBusy] = useState(false);
	const [preflight, setPreflight] = useState(true);
	const [file, setFile] = useState(null);
	const [masters, setMasters] = useState(noMaster);
	const key = useRef(newKey()), dirty = useRef(false), grid = useRef(null);
	const shown = useMemo(() => columns.filter((c) => !(c === 'source_password' && masters.source.on) && !(c === 'dest_password' && masters.destination.on)),
		[masters.source.on, masters.destination.on]);
	const wrongMaster = tried ? masterErrors(masters) : {};
	const filled = rows.filter((r) => !isEmpty(r));
	dirty.current = filled.length > 0 && !busy;
	const taken = useMemo(() => new Set(mailboxes.map((m) => m.source.user.toLowerCase().replace(/\*[^*@]*$/, ''))), [mailboxes]);
	useEffect(() => {
		document.title = t('add.title', { domain: job.domains[0] }) + ' · ' + t('app.name');
		const ask = () => !dirty.current || confirm(t('leave.confirm'));
		ask.unload = () => dirty.current;
		return guardLeaving(ask);
	}, []);

	const change = (fn) => {
		key.current = newKey();
		setRows(fn);
	};
	const handlers = useMemo(() => ({
		cell: (rowKey, column, value) => change((all) => {
			const next = all.map((r) => (r.key === rowKey ? { ...r, [column]: value } : r));
			return next[next.length - 1].key === rowKey ? [...next, emptyRow()] : next;
		}),
		remove: (rowKey) => change((all) => {
			const next = all.filter((r) => r.key !== rowKey);
			return next.length ? next : blank(1);
		}),
		// Several lines or columns pasted into a cell fill the grid from there; one word is left to the browser.
		paste: (e, rowKey, column) => {
			const text = e.clipboardData.getData('text');
			if (column.endsWith('_password') && !/[\t\n]/.test(text.trim())) return;
			if (!/[\t\n;]|,.*@|[<>]/.test(text.trim())) return;
			e.preventDefault();
			fill(text, rowKey);
		},
	}), []);
	const fill = (text, at) => fillRows(rowsOf(text), at);
	const fillRows = (more, at) => {
		change((all) => {
			const i = at ? all.findIndex((r) => r.key === at) : -1;
			const head = i < 0 ? all.filter((r) => !isEmpty(r)) : all.slice(0, i);
			const tail = i < 0 ? [] : all.slice(i).filter((r, n) => n > 0 && !isEmpty(r));
			return [...head, ...more, ...tail, emptyRow()];
		});
		announce(t('add.filled', { n: more.length }));
	};
	const own = localErrors(rows, taken), theirs = serverErrors(problem, sent);
	const errorsOf = (row) => {
		const mine = tried || filled.length > 3 ? own[row.key] : undefined;
		return mine || theirs[row.key] ? { ...theirs[row.key], ...mine } : undefined;
	};
	const bad = filled.filter((r) => own[r.key]).length;
	const bare = filled.filter((r) => !(r.source_password || masters.source.on) || !(r.dest_password || masters.destination.on)).length;
	const submit = async (e) => {
		e.preventDefault();
		setTried(true);
		if (bad || !filled.length || Object.keys(masterErrors(masters)).length) {
			setTimeout(() => (document.querySelector('main [aria-invalid=true]') ?? grid.current?.querySelector('input'))?.focus());
			return;
		}
		setBusy(true);
		setProblem(null);
		setSent(filled);
		try {
			const { items } = await post('/jobs/' + job.id + '/mailboxes', filled.map((r) => body(r, masters)), { key: key.current });
			toast(t('add.done', { n: items.length }));
			const ready = items.filter((m) => m.source.has_secret && m.destination.has_secret);
			if (preflight && ready.length)
				await startRuns(job.id, 'preflight', ready.map((m) => m.id)).catch((p) => toast(p.title || p.message));
			reload();
			go('/jobs/' + job.id + (preflight && ready.length ? '/check' : ''), { replace: true });
		} catch (p) {
			setProblem(p);
			setBusy(false);
			setTimeout(() => grid.current?.querySelector('[aria-invalid=true]')?.focus());
		}
	};
	const unplaced = problem && Object.keys(theirs).length === 0;
	return html`
		<div class="page-head"><div><p class="crumbs"><a href="#/">${t('nav.jobs')}</a><a href=${'#/jobs/' + job.id}>${job.domains[0]}</a></p>
			<h1>${t('mailboxes.add')}</h1><p class="lead">${t('add.lead', { from: job.source?.host ?? '', to: job.destination?.host ?? '' })}</p></div></div>
		<form class="stack" onSubmit=${submit} novalidate>
			<${DropZone} onText=${(text, name) => setFile({ text, name })} />
			${file && html`<${CsvMapper} key=${file.name + file.text.length} text=${file.text} name=${file.name} taken=${taken} onClose=${() => setFile(null)} onFill=${(more) => {
				fillRows(more, null);
				setFile(null);
			}} />`}
			<${MasterFields} masters=${masters} onMasters=${(m) => {
				key.current = newKey();
				setMasters(m);
			}} errors=${wrongMaster} />
			${unplaced ? html`<${ProblemBox} problem=${problem} />` : problem && html`<${Notice} kind="bad">
				<p class="notice-head">${t('add.refused', { n: Object.keys(theirs).length })}</p><p>${t('add.refused.more')}</p><//>`}
			<div class="card table-card"><table class="table grid stackable" ref=${grid}>
				<caption class="visually-hidden">${t('mailboxes.add')}</caption>
				<thead><tr><th scope="col"><span class="visually-hidden">${t('row')}</span></th>${shown.map((c) => html`<th scope="col">${t('column.' + c)}</th>`)}
					<th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
				<tbody>${rows.map((r, i) => html`<${Row} key=${r.key} row=${r} index=${i} shown=${shown} errors=${errorsOf(r)} onCell=${handlers.cell}
					onPaste=${handlers.paste} onRemove=${handlers.remove} />`)}</tbody>
			</table></div>
			<div><button type="button" class="button" onClick=${() => change((all) => [...all, emptyRow()])}><${Icon} name="plus" />${t('row.add')}</button></div>
			${bad > 0 && tried && html`<p class="bad-text" role="alert">${t('add.bad', { n: bad })}</p>`}
			${bare > 0 && html`<${Notice} kind="info">${t('add.bare', { n: bare })}<//>`}
			<label class="check"><input type="checkbox" checked=${preflight} onChange=${(e) => setPreflight(e.currentTarget.checked)} /><span>${t('add.preflight')}</span></label>
			<div class="form-foot"><button class="button primary" type="submit" disabled=${busy || !filled.length}>${busy ? t('saving') : filled.length ? t('add.go', { n: filled.length }) : t('mailboxes.add')}</button>
				<a class="button quiet" href=${'#/jobs/' + job.id}>${t('cancel')}</a></div>
		</form>`;
}

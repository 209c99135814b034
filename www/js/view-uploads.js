// Uploads: files that hold mail, on their way and here.
import { html, useCell, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { bytes } from './format.js';
import { all, request } from './api.js';
import { usePoll } from './poll.js';
import { reconcile } from './reconcile.js';
import { addFiles, drop, queue } from './upload-queue.js';
import { UploadList } from './upload-list.js';
import { Notice, ProblemBox } from './notice.js';
import { Icon } from './icon.js';

// The largest file that the service takes, in bytes; null while it is not known.
async function readLimit() {
	try {
		const response = await request('OPTIONS', '/uploads', { raw: true });
		return Number(response.headers.get('Tus-Max-Size')) || null;
	} catch {
		return null;
	}
}

function DropZone({ limit }) {
	const [over, setOver] = useState(false);
	const input = useRef(null);
	const add = (files) => addFiles([...files], limit);
	return html`<div class=${'drop large' + (over ? ' over' : '')} onDragOver=${(e) => {
		e.preventDefault();
		setOver(true);
	}} onDragLeave=${() => setOver(false)} onDrop=${(e) => {
		e.preventDefault();
		setOver(false);
		add(e.dataTransfer.files);
	}}>
		<${Icon} name="file" /><div class="grow"><p><strong>${t('uploads.drop')}</strong></p>
			<p class="small">${t('uploads.kinds')}${limit !== null && html` ${t('uploads.limit', { size: bytes(limit) })}`}</p></div>
		<button type="button" class="button primary" onClick=${() => input.current.click()}>${t('uploads.choose')}</button>
		<input ref=${input} type="file" multiple class="visually-hidden" tabindex="-1" aria-label=${t('uploads.choose')} name="files" onChange=${(e) => {
			add(e.currentTarget.files);
			e.currentTarget.value = '';
		}} />
	</div>`;
}

export function UploadsView({ query }) {
	const local = useCell(queue);
	const [limit, setLimit] = useState(null);
	const done = local.filter((i) => i.state === 'done').map((i) => i.key).join();
	const { data, problem, reload } = usePoll(async (before) => reconcile(before, await all('/uploads')), 'uploads', 5000);
	useEffect(() => {
		document.title = t('nav.uploads') + ' · ' + t('app.name');
		readLimit().then(setLimit);
	}, []);
	useEffect(() => {
		if (done) reload();
	}, [done]);
	// What has arrived is the service's to tell.
	useEffect(() => {
		const here = new Set((data ?? []).filter((u) => u.status === 'complete').map((u) => u.token));
		for (const item of local) if (item.state === 'done' && here.has(item.token)) drop(item.key);
	}, [data, done]);
	return html`
		<div class="page-head"><div><h1>${t('nav.uploads')}</h1><p class="lead">${t('uploads.lead')}</p></div></div>
		${query.get('job') && html`<${Notice} kind="info">${t('uploads.forjob')} <a href=${'#/jobs/' + encodeURIComponent(query.get('job'))}>${t('uploads.tojob')}</a><//>`}
		<${DropZone} limit=${limit} />
		<${ProblemBox} problem=${problem?.status ? problem : null} />
		${!data && !problem && html`<p class="muted" role="status">${t('loading')}</p>`}
		${data?.length === 0 && local.length === 0 && html`<div class="empty card"><${Icon} name="file" /><h2>${t('uploads.none')}</h2><p>${t('uploads.none.more')}</p></div>`}
		${(data?.length > 0 || local.length > 0) && html`<${UploadList} uploads=${data ?? []} local=${local} job=${query.get('job')} reload=${reload} />`}`;
}

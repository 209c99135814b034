// Files on their way to the service by tus. They go on while other views are looked at, over a broken line, a
// restarted service, and a session that has ended. After a reload the browser has lost the file: whoever chooses the
// same one again goes on where it stopped. What "the same" is stands in the upload's metadata at the service (name,
// size, last change), so it works from another browser too, and with a storage that forgets.
import { base, connection, get, request } from './api.js';
import { cell } from './cell.js';
import { language, t } from './i18n.js';
import { announce, toast } from './notice.js';
import { makeRates } from './rate.js';
import { me } from './session.js';
import { uploadsUnderWay } from './upload-count.js';
import { headBytes, sniff } from './upload-kind.js';
import { delayOf, verdictOf } from './upload-retry.js';

const atOnce = 3; // a browser has six connections to a server, and the page needs some
const stalledMs = 90000; // without a byte for so long the line is dead, whatever the browser thinks
const underWay = ['queued', 'starting', 'sending', 'waiting'];

const items = [];
const rates = makeRates();
let serial = 0, published = 0, publishing = 0;

// [{key, name, size, token, state, sent, about, problem, rate, eta}], oldest first. state: queued, starting, sending,
// waiting (problem says for what), paused, doubt (about says why), failed (problem), done.
export const queue = cell([]);

function publish() {
	clearTimeout(publishing);
	publishing = 0;
	published = Date.now();
	queue.set(items.map(({ key, file, token, state, sent, about, problem }) => ({ key, name: file.name, size: file.size, token, state, sent,
		about, problem, rate: state === 'sending' ? rates.rate(key) : null, eta: state === 'sending' ? rates.eta(key, file.size) : null })));
	uploadsUnderWay.set(items.filter((i) => underWay.includes(i.state)).length);
}

// Progress comes many times a second: a few are shown.
function publishSoon() {
	publishing ||= setTimeout(publish, Math.max(0, 250 - (Date.now() - published)));
}

addEventListener('beforeunload', (e) => uploadsUnderWay.get() > 0 && e.preventDefault());

function put(item, state, more = {}) {
	clearTimeout(item.timer);
	Object.assign(item, { state, problem: null }, more);
	publish();
}

function next() {
	const busy = items.filter((i) => ['starting', 'sending', 'waiting'].includes(i.state)).length;
	for (const item of items.filter((i) => i.state === 'queued').slice(0, Math.max(0, atOnce - busy))) begin(item);
}

// --- what the service knows of a file ---

function metadataOf(response) {
	const found = {};
	for (const pair of (response.headers.get('Upload-Metadata') ?? '').split(',')) {
		const [key, value = ''] = pair.trim().split(' ');
		try {
			found[key] = new TextDecoder().decode(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)));
		} catch {
			// not base64: not ours
		}
	}
	return found;
}

// Is this the file whose first part the upload holds? An upload of another client tells no date.
async function isSame(file, row) {
	if (file.name !== row.name || file.size !== row.size) return false;
	const { modified } = metadataOf(await request('GET', '/uploads/' + row.token, { raw: true }));
	return modified === undefined || modified === '' || Number(modified) === file.lastModified;
}

async function findUnfinished(file) {
	const taken = new Set(items.map((i) => i.token)), mine = me.get().iss + '|' + me.get().sub;
	let cursor = '';
	do {
		const page = await get('/uploads?limit=500' + cursor);
		for (const row of page.items)
			if (row.status === 'receiving' && !taken.has(row.token) && row.created_by === mine && (await isSame(file, row))) return row.token;
		cursor = page.next ? '&cursor=' + encodeURIComponent(page.next) : '';
	} while (cursor);
	return null;
}

// --- sending ---

async function begin(item) {
	put(item, 'starting');
	item.attempt = 0;
	try {
		const { default: tus } = await import('../vendor/tus.js');
		item.token ??= await findUnfinished(item.file);
		if (item.state === 'starting') open(item, tus);
	} catch (problem) {
		put(item, 'failed', { problem: problem.status !== undefined ? problem : { code: 'page.notready' } });
		next();
	}
}

function open(item, tus) {
	const path = base + '/uploads';
	item.upload = new tus.Upload(item.file, {
		// An upload that has an address never falls back to a new one: that would start from nothing.
		endpoint: item.token ? null : path,
		uploadUrl: item.token ? path + '/' + item.token : null,
		headers: { 'X-Requested-With': 'desk-migration', 'Accept-Language': language.get() },
		metadata: { filename: item.file.name, modified: String(item.file.lastModified) },
		storeFingerprintForResuming: false,
		retryDelays: null,
		onUploadUrlAvailable() {
			item.token = item.upload.url.replace(/^.*\//, '');
			item.upload.options.endpoint = null;
		},
		onProgress(sent) {
			if (sent > item.sent) item.attempt = 0;
			item.sent = sent;
			rates.note(item.key, sent, Date.now());
			if (item.state !== 'sending') put(item, 'sending');
			else publishSoon();
			watch(item);
		},
		onSuccess() {
			put(item, 'done', { sent: item.file.size });
			toast(t('upload.arrived', { name: item.file.name }));
			next();
		},
		onError: (error) => trouble(item, error),
	});
	item.upload.start();
}

// A line that is dead without saying so. After the last byte the service makes the file safe, which may take longer.
function watch(item) {
	clearTimeout(item.timer);
	if (item.sent < item.file.size) item.timer = setTimeout(() => {
		item.upload.abort();
		again(item, { status: 0, code: 'page.line' });
	}, stalledMs);
}

function again(item, problem) {
	rates.forget(item.key);
	put(item, 'waiting', { problem });
	item.timer = setTimeout(() => resend(item), delayOf(item.attempt++, problem.status));
}

function resend(item) {
	put(item, 'starting');
	item.upload.start();
}

function problemOf(response) {
	let body = {};
	try {
		body = JSON.parse(response.getBody());
	} catch {
		// no words came with it
	}
	return { status: response.getStatus(), code: body.code ?? '', title: body.title, detail: body.detail, remedy: body.remedy, errors: [] };
}

// A file that was changed, moved or unplugged since it was chosen looks like a broken line.
async function isReadable(file) {
	try {
		await file.slice(0, 1).arrayBuffer();
		return true;
	} catch {
		return false;
	}
}

async function trouble(item, error) {
	const problem = error.originalResponse ? problemOf(error.originalResponse) : { status: 0, code: 'page.line' };
	const verdict = verdictOf(problem.status, problem.code);
	if (!(await isReadable(item.file))) return fail(item, { code: 'page.fileaway' });
	if (item.state === 'paused' || !items.includes(item)) return undefined;
	if (verdict === 'wait') return again(item, problem);
	if (verdict === 'signin') return signInThenGoOn(item, problem);
	if (verdict === 'gone') item.token = null;
	return fail(item, problem);
}

async function signInThenGoOn(item, problem) {
	put(item, 'waiting', { problem });
	try {
		await get('/me');
		resend(item);
	} catch (why) {
		if (why.status === 401) fail(item, why);
		else again(item, why);
	}
}

function fail(item, problem) {
	rates.forget(item.key);
	put(item, 'failed', { problem });
	announce(t('upload.failed.said', { name: item.file.name }));
	next();
}

// As soon as there is a way again, not at the end of a long wait.
const wake = () => items.filter((i) => i.state === 'waiting' && i.problem?.status !== 401 && i.upload).forEach(resend);
addEventListener('online', wake);
connection.watch((state) => state === 'up' && wake());

// --- what a person can do ---

// limit: the largest file that the service takes, null when it is not known.
export async function addFiles(files, limit) {
	for (const file of files) {
		if (items.some((i) => i.file.name === file.name && i.file.size === file.size && i.file.lastModified === file.lastModified && i.state !== 'failed')) {
			toast(t('upload.already', { name: file.name }));
			continue;
		}
		const item = { key: 'u' + ++serial, file, token: null, sent: 0, state: 'queued', about: null, problem: null };
		items.push(item);
		await judge(item, limit);
	}
	publish();
	next();
}

async function judge(item, limit) {
	if (limit !== null && item.file.size > limit) return put(item, 'failed', { problem: { code: 'page.toolarge', limit } });
	try {
		const { kind, about } = sniff(new Uint8Array(await item.file.slice(0, headBytes).arrayBuffer()));
		return put(item, kind ? 'queued' : 'doubt', { about });
	} catch {
		// A folder that was dropped as if it were a file cannot be read either.
		return put(item, 'failed', { problem: { code: 'page.fileaway' } });
	}
}

// Goes on with a half-sent upload of the service: false when this is not its file.
export async function goOnWith(row, file) {
	if (!(await isSame(file, row))) return false;
	const item = { key: 'u' + ++serial, file, token: row.token, sent: row.received, state: 'queued', about: null, problem: null };
	items.push(item);
	publish();
	next();
	return true;
}

const find = (key) => items.find((i) => i.key === key);

export function pause(key) {
	const item = find(key);
	put(item, 'paused');
	item.upload?.abort();
	next();
}

// After a pause, a failure, or a doubt that was set aside.
export function goOn(key) {
	put(find(key), 'queued');
	next();
}

export function drop(key) {
	const i = items.findIndex((item) => item.key === key);
	if (i < 0) return;
	clearTimeout(items[i].timer);
	items[i].upload?.abort();
	items.splice(i, 1);
	publish();
	next();
}

// The API as the page sees it: one function a verb. Cookie session, X-Requested-With on unsafe methods,
// problem+json turned into Problem, ETags remembered so that polling what stands still costs a 304.
//
// A request that meets 401 waits for the person to sign in again and is then sent once more, so that
// nothing typed is lost; the sign-in screen takes part through onUnauthorized.
import { cell } from './cell.js';
import { language } from './i18n.js';

export const base = '/api/v1/migration';

// 'up', 'slow' (an answer is overdue), 'down' (no answer), 'disabled' (switched off by an administrator).
export const connection = cell('up');

export class Problem extends Error {
	constructor(status, body) {
		super(body.detail || body.title || 'HTTP ' + status);
		this.status = status;
		this.code = body.code ?? '';
		this.title = body.title ?? '';
		this.detail = body.detail ?? '';
		this.remedy = body.remedy ?? '';
		this.errors = body.errors ?? [];
		this.retryAfter = body.retry_after ?? null;
	}
}

let askSignIn = null;
export function onUnauthorized(fn) {
	askSignIn = fn;
}

const seen = new Map(); // path -> {etag, body}
export function forget() {
	seen.clear();
}

function headersFor(method, { ifMatch, key, text, range, headers: more }) {
	const headers = { Accept: 'application/json, application/problem+json, text/plain', 'Accept-Language': language.get() };
	if (method !== 'GET') {
		headers['X-Requested-With'] = 'desk-migration';
		headers['Content-Type'] = text === undefined ? 'application/json' : 'text/csv; charset=utf-8';
	}
	if (range) headers.Range = range;
	if (ifMatch) headers['If-Match'] = ifMatch;
	if (key) headers['Idempotency-Key'] = key;
	return Object.assign(headers, more);
}

async function problemOf(response) {
	let body = {};
	try {
		body = await response.json();
	} catch {
		body = { title: response.statusText };
	}
	return new Problem(response.status, body && typeof body === 'object' ? body : {});
}

// Without a pool behind it nginx answers 502, 504, or 503 service.unavailable. Other 503s (a busy database) pass.
function noteState(status, code) {
	if (status === 503 && code === 'service.disabled') wentAway('disabled');
	else if (status === 0 || status === 502 || status === 504 || (status === 503 && (!code || code === 'service.unavailable')))
		wentAway('down');
	else connection.set('up');
}

// Asks by itself until the service is back: /health answers even when migrations are switched off, /version does not.
let probing = false;
function wentAway(state) {
	connection.set(state);
	if (probing) return;
	probing = true;
	let wait = 1000;
	const ask = async () => {
		if (connection.get() !== 'up') {
			try {
				const r = await fetch(base + (connection.get() === 'disabled' ? '/version' : '/health'), { cache: 'no-store' });
				if (r.ok) connection.set('up');
			} catch {
				// still away
			}
		}
		if (connection.get() === 'up') {
			probing = false;
			return;
		}
		wait = Math.min(wait * 1.6, 10000);
		setTimeout(ask, wait);
	};
	setTimeout(ask, wait);
}

// How long an answer may take before the person is told that the page still waits.
const patience = 6000;

async function once(method, path, options) {
	const headers = headersFor(method, options);
	const known = method === 'GET' && !options.raw ? seen.get(path) : undefined;
	if (known?.etag) headers['If-None-Match'] = known.etag;
	let body;
	if (options.text !== undefined) body = options.text;
	else if (options.body !== undefined) body = JSON.stringify(options.body);
	let response;
	const overdue = setTimeout(() => connection.get() === 'up' && connection.set('slow'), patience);
	try {
		const ahead = method === 'GET' && !options.raw ? globalThis.ahead?.take(path) : undefined; // see ahead.js
		response = await (ahead ?? fetch(base + path, { method, headers, body, cache: 'no-store', credentials: 'same-origin',
			signal: options.signal }));
	} catch (e) {
		if (e.name === 'AbortError') throw e;
		noteState(0, '');
		throw new Problem(0, { code: 'page.offline' });
	} finally {
		clearTimeout(overdue);
	}
	if (response.status === 304) {
		noteState(200, '');
		return known;
	}
	if (!response.ok) {
		const problem = await problemOf(response);
		noteState(response.status, problem.code);
		throw problem;
	}
	noteState(200, '');
	if (options.raw) return response;
	const answer = { etag: response.headers.get('ETag'), body: null, status: response.status };
	if (response.status !== 204) answer.body = await response.json();
	if (method === 'GET') {
		if (seen.size > 400) seen.clear();
		seen.set(path, answer);
	}
	return answer;
}

// {etag, body}. options: body (JSON), text (CSV), ifMatch, key (Idempotency-Key), raw (the Response),
// range (Range), headers (more of them), signal.
export async function request(method, path, options = {}) {
	try {
		return await once(method, path, options);
	} catch (e) {
		if (!(e instanceof Problem) || e.status !== 401 || path === '/session' || !askSignIn) throw e;
		if (!(await askSignIn())) throw e;
		return once(method, path, options);
	}
}

export const get = async (path, options) => (await request('GET', path, options)).body;
export const post = async (path, body = {}, options) => (await request('POST', path, { body, ...options })).body;
export const patch = async (path, body, ifMatch) => (await request('PATCH', path, { body, ifMatch })).body;
export const del = async (path, body, options) => (await request('DELETE', path, { body, ...options })).body;

// Every item of a list, page by page.
export async function all(path, options) {
	const items = [];
	const joint = path.includes('?') ? '&' : '?';
	let cursor = null;
	do {
		const page = await get(path + joint + 'limit=500' + (cursor ? '&cursor=' + encodeURIComponent(cursor) : ''), options);
		items.push(...page.items);
		cursor = page.next;
	} while (cursor);
	return items;
}

// A key for a POST that creates: the same key for each try of the same form, so that a lost answer makes no twin.
export function newKey() {
	const a = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(a, (b) => b.toString(16).padStart(2, '0')).join('');
}

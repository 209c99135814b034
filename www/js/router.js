// The address after # says which view is shown: it can be sent to a colleague and survives a reload.
import { cell } from './cell.js';

function parse(hash) {
	const [path, query = ''] = hash.replace(/^#?\/?/, '').split('?');
	const parts = [];
	for (const part of path.split('/'))
		if (part) {
			try {
				parts.push(decodeURIComponent(part));
			} catch {
				parts.push(part);
			}
		}
	return { parts, query: new URLSearchParams(query) };
}

export const route = cell(parse(typeof location === 'undefined' ? '' : location.hash));

// Asked before leaving a form with unsaved input: answers true when leaving is all right.
let guard = null;
export function guardLeaving(fn) {
	guard = fn;
	return () => {
		if (guard === fn) guard = null;
	};
}

export function go(path, { replace = false } = {}) {
	guard = null;
	if (replace) location.replace('#' + path);
	else location.hash = path;
}

let current = typeof location === 'undefined' ? '' : location.hash;
if (typeof window !== 'undefined') {
	addEventListener('hashchange', () => {
		if (guard && location.hash !== current && !guard()) {
			history.replaceState(null, '', current || '#/');
			return;
		}
		guard = null;
		current = location.hash;
		route.set(parse(location.hash));
	});
	addEventListener('beforeunload', (e) => guard?.unload?.() && e.preventDefault());
}

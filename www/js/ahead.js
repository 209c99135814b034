// Runs before all modules (a classic script, and the first one): what the first view needs is asked for while its
// modules are still on their way. Who is signed in; when the address shows the list of migrations, that list; the
// words in the person's language. api.js takes the answers from globalThis.ahead.
'use strict';
(() => {
	const base = '/api/v1/migration', answers = new Map();

	function ask(path) {
		const answer = fetch(base + path, { headers: { Accept: 'application/json, application/problem+json' }, cache: 'no-store', credentials: 'same-origin' });
		answer.catch(() => {}); // whoever takes it hears of it
		answers.set(path, { at: performance.now(), answer });
	}

	function preload(...files) {
		for (const href of files) document.head.append(Object.assign(document.createElement('link'), { rel: 'modulepreload', href }));
	}

	// As i18n.js chooses.
	function language() {
		let chosen = null;
		try {
			chosen = localStorage.getItem('desk-migration.language');
		} catch {
			// storage may be refused
		}
		for (const tag of [chosen, ...navigator.languages])
			if (tag && /^(pt|en)$/.test(tag.toLowerCase().split('-')[0])) return tag.toLowerCase().split('-')[0];
		return 'en';
	}

	// A module that did not come (the line broke, the network changed) leaves an empty page: say so, and load it again.
	const words = {
		pt: 'A página não chegou por inteiro. Tenta-se de novo dentro de momentos…',
		en: 'The page did not arrive as a whole. It will be tried again in a moment…',
	};
	const tries = 'desk-migration.tries';
	let started = false, waiting = false;

	function startAgain() {
		if (started || waiting) return;
		waiting = true;
		let n = 2;
		try {
			n = Number(sessionStorage.getItem(tries) ?? 0);
			sessionStorage.setItem(tries, n + 1);
		} catch {
			// storage may be refused
		}
		const say = () => document.getElementById('app')?.replaceChildren(Object.assign(document.createElement('p'), { className: 'starting', textContent: words[language()] }));
		if (document.body) say();
		else addEventListener('DOMContentLoaded', say);
		setTimeout(() => location.reload(), Math.min(1000 * 2 ** n, 30000));
	}
	addEventListener('error', (e) => (e.target === globalThis || e.target?.type === 'module') && startAgain(), true);
	addEventListener('unhandledrejection', startAgain);

	globalThis.ahead = {
		// The page is there.
		started() {
			started = true;
			try {
				sessionStorage.removeItem(tries);
			} catch {
				// as above
			}
		},
		// The answer that is on its way, once; undefined when nobody asked, or too long ago.
		take(path) {
			const one = answers.get(path);
			answers.delete(path);
			return one && performance.now() - one.at < 10000 ? one.answer : undefined;
		},
		// Another person signs in: what was answered before is not theirs.
		drop: () => answers.clear(),
		language: language(),
	};
	ask('/me');
	if (/^#?\/?$/.test(location.hash)) ask('/jobs?status=open&limit=500');
	preload('words/' + globalThis.ahead.language + '/frame.js', 'words/' + globalThis.ahead.language + '/jobs.js');
})();

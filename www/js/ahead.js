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
		return answer;
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

	globalThis.ahead = {
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
	ask('/me').then((response) => response.status === 401 && preload('js/view-sign-in.js', 'js/dialog.js', 'js/field.js'), () => {});
	if (/^#?\/?$/.test(location.hash)) ask('/jobs?status=open&limit=500').catch(() => {});
	preload('words/' + globalThis.ahead.language + '/frame.js', 'words/' + globalThis.ahead.language + '/jobs.js');
})();

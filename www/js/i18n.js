// Words in the person's language. Two dictionaries with the same keys, cut by screen (words/LANGUAGE/SCREEN.js); a
// value is a text with {names}, or one text per plural form, chosen by {n}. Only the language in use is fetched, and
// of it the screens that were opened: lazy.js asks for the words of a view beside its module.
import { cell } from './cell.js';
import { pref, setPref } from './prefs.js';

const dictionaries = { en: {}, pt: {} };
const fetched = { en: new Map(), pt: new Map() }; // screen -> promise
const wanted = new Set(['frame', 'jobs']);
export const languages = [
	{ id: 'pt', name: 'Português' },
	{ id: 'en', name: 'English' },
];

export function choose(tags) {
	for (const tag of tags) {
		const id = String(tag).toLowerCase().split('-')[0];
		if (id in dictionaries) return id;
	}
	return 'en';
}

const asked = () => (typeof navigator === 'undefined' ? [] : (navigator.languages ?? [navigator.language]));
export const language = cell(choose([pref('language'), ...asked()].filter(Boolean)));

function fetchScreen(id, screen) {
	if (!fetched[id].has(screen)) {
		const coming = import('../words/' + id + '/' + screen + '.js').then(({ words }) => Object.assign(dictionaries[id], words));
		coming.catch(() => fetched[id].delete(screen));
		fetched[id].set(screen, coming);
	}
	return fetched[id].get(screen);
}

// The words of these screens, in the language in use and in whichever is chosen later.
export async function needWords(screens) {
	for (const screen of screens) wanted.add(screen);
	const id = language.get();
	await Promise.all(screens.map((screen) => fetchScreen(id, screen)));
	// Another language was chosen meanwhile.
	if (language.get() !== id) await needWords(screens);
}
await needWords([...wanted]);

// The tag for Intl: the browser's own variant of the language when it has one (en-GB, pt-BR). Asked for with every number.
const tags = new Map(), usual = { pt: 'pt-PT', en: 'en-GB' };
export function locale() {
	const id = language.get();
	if (!tags.has(id)) {
		const own = asked().find((tag) => tag.toLowerCase().split('-')[0] === id);
		// "pt" alone is Brazil's to Intl (0 mensagem); these words are Portugal's
		tags.set(id, own === undefined || own === 'pt' ? usual[id] : own);
	}
	return tags.get(id);
}

export async function setLanguage(id) {
	await Promise.all([...wanted].map((screen) => fetchScreen(id, screen)));
	setPref('language', id);
	language.set(id);
	applyLanguage();
}

const made = new Map();
// One of Intl's makers, made once: each costs more than a row of a table.
export function intl(kind, options = {}) {
	const key = kind.name + locale() + JSON.stringify(options);
	if (!made.has(key)) made.set(key, new kind(locale(), options));
	return made.get(key);
}

// A number below a thousand has the same digits in every language here.
export function numeral(n) {
	return Number.isInteger(n) && n >= 0 && n < 1000 ? String(n) : intl(Intl.NumberFormat).format(n);
}

export function applyLanguage() {
	if (typeof document !== 'undefined') document.documentElement.lang = language.get();
}

export function has(key) {
	return key in dictionaries[language.get()];
}

export function t(key, values = {}) {
	let text = dictionaries[language.get()][key];
	if (text === undefined) return key;
	if (typeof text === 'object') {
		const form = intl(Intl.PluralRules).select(Number(values.n));
		text = text[form] ?? text.other;
	}
	return text.replace(/\{(\w+)\}/g, (all, name) => {
		const value = values[name];
		if (value === undefined || value === null) return all;
		return typeof value === 'number' ? numeral(value) : String(value);
	});
}

// The words of a code of the API (status, reason, role …): the code itself when it is a new one.
export function word(kind, code) {
	const key = kind + '.' + code;
	return has(key) ? t(key) : String(code ?? '');
}
